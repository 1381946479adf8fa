import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BASE_IMAGE } from '@millrace/release'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { command, type Ended } from '../e2e/command.ts'
import { REPOSITORY } from './tree.ts'

let out: string
beforeAll(() => {
  out = mkdtempSync(join(tmpdir(), 'millrace-command-'))
})
afterAll(() => rmSync(out, { recursive: true, force: true }))

const build = (words: string): Promise<Ended> =>
  command(`millrace image build ${words}`, REPOSITORY, { DOCKER_HOST: 'unix:///nowhere/docker.sock' })

describe('millrace image build', () => {
  it('puts images together without Docker, and says what takes the room', async () => {
    const { code, out: text, err } = await build(`--local --assemble-only --parts --out ${out} console`)
    expect([code, err]).toEqual([0, ''])
    expect(text).toMatch(
      /^IMAGE +ADDS +OUTCOME +WHERE\nconsole +\+ 1\d\d\.\d MiB +assembled +\/.*console-[0-9a-f]{16}\n/,
    )
    expect(text).toMatch(/\nPART OF console +FILES +SIZE\nnode +2 +1\d\d\.\d MiB\n/)
  })

  it('says for programs where they are, and what they will be called', async () => {
    const { code, out: text } = await build(`--local --assemble-only --json --out ${out} console`)
    expect(code).toBe(0)
    const [image] = JSON.parse(text)
    expect(image).toMatchObject({ name: 'console', base: BASE_IMAGE, outcome: 'assembled' })
    expect(image.tag).toBe(`millrace/console:${image.hash}`)
    expect(existsSync(join(image.folder, 'Dockerfile'))).toBe(true)
    expect(existsSync(join(image.folder, 'app/bin/node'))).toBe(true)
  })

  it('says in one line that there is no Docker engine, and where what was put together is', async () => {
    const { code, out: text, err } = await build(`--local --out ${out} console`)
    expect(code).toBe(2)
    expect(text).toContain('console-')
    expect(err).toBe(
      `millrace: no Docker engine answers, so that no image was built; what they are made of is in ${out}\n  Start Docker, or add --assemble-only.\n`,
    )
  })

  it.each([
    ['', '"millrace image build" makes images of this machine; say so: --local'],
    ['--local flw', 'there is no image "flw"'],
    ['--local flow', 'the image of which flow? "flow" is followed by its name: flow hello'],
    ['--local flow helo', 'there is no flow "helo"; did you mean "hello"?'],
  ])('refuses "%s" in one line', async (words, line) => {
    const { code, err } = await build(words)
    expect(code).toBe(2)
    expect(err.split('\n')[0]).toBe(`millrace: ${line}`)
  })
})
