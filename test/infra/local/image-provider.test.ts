import { appendFileSync, chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { BASE_IMAGE, imagePlanner } from '@millrace/release'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type ImageToBuild, provider } from '../../../infra/local/image-provider.ts'
import { PROVIDER } from '../../../infra/local/local-images.ts'

// Putting an image together copies Node.
vi.setConfig({ testTimeout: 120_000 })

const ROOT = resolve(import.meta.dirname, '../../..')

/** A command `docker` whose engine has images by name, and gives each an id. */
const DOCKER = `
const { appendFileSync, existsSync, readFileSync } = require('node:fs')
const { createHash } = require('node:crypto')
const images = __dirname + '/images'
const [command, ...rest] = process.argv.slice(2)
const has = (name) => existsSync(images) && readFileSync(images, 'utf8').split('\\n').includes(name)
if (existsSync(__dirname + '/no-engine')) process.exit(1)
if (command === 'version') console.log('28.0.0')
if (command === 'image' && !has(rest.at(-1))) process.exit(1)
if (command === 'image') console.log('sha256:' + createHash('sha256').update(rest.at(-1)).digest('hex'))
if (command === 'build') {
  appendFileSync(images, rest[rest.indexOf('--tag') + 1] + '\\n')
  appendFileSync(__dirname + '/builds', rest.join(' ') + '\\n')
}
`

let folder: string
let path: string | undefined
let image: ImageToBuild
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-engine-images-'))
  writeFileSync(join(folder, 'docker'), `#!${process.execPath}\n${DOCKER}`)
  chmodSync(join(folder, 'docker'), 0o755)
  path = process.env.PATH
  process.env.PATH = `${folder}${delimiter}${path}`
  const { hash } = await imagePlanner({ root: ROOT, system: { cpu: 'x64', isHere: false } })('console')
  image = { name: 'console', tag: hash, base: BASE_IMAGE, processor: 'x64' }
})
afterEach(() => {
  process.env.PATH = path
  rmSync(folder, { recursive: true })
})

const builds = (): string[] => {
  const file = join(folder, 'builds')
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
}

it.skipIf(process.platform !== 'linux' || process.arch !== 'x64')(
  'an image is built once, as "millrace image build --local" calls it, and known by its id',
  async () => {
    const { id, outs } = await provider.create(image)
    expect(id).toBe('console')
    expect(outs.digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(builds()).toEqual([
      expect.stringContaining(
        `--platform linux/amd64 --build-arg BASE=${BASE_IMAGE} --tag millrace/console:${image.tag} `,
      ),
    ])
    expect((await provider.update(id, outs, image)).outs).toEqual(outs)
    expect(builds()).toHaveLength(1)
  },
)

it.skipIf(process.platform !== 'linux' || process.arch !== 'x64')(
  'what was edited since it was planned is not built under the name of something else',
  async () => {
    await expect(provider.create({ ...image, tag: 'f'.repeat(64) })).rejects.toThrow(
      'what the image console is made of was changed meanwhile; do it again',
    )
    expect(builds()).toEqual([])
  },
)

it('says what to do where no engine answers', async () => {
  writeFileSync(join(folder, 'no-engine'), '')
  await expect(provider.create(image)).rejects.toThrow(/^no Docker engine answers; start Docker, or say by DOCKER_HOST/)
})

it('another content is a change, another way to make the same is none', async () => {
  const built = { ...image, digest: 'sha256:1' }
  expect(await provider.diff('console', built, image)).toEqual({ changes: false })
  expect(await provider.diff('console', built, { ...image, tag: 'f'.repeat(64) })).toEqual({ changes: true })
})

it('a refresh misses one that is gone from the engine, or that another has taken the name of', async () => {
  expect(await provider.read('console', { ...image, digest: 'sha256:1' })).toEqual({})
  appendFileSync(join(folder, 'images'), `millrace/console:${image.tag}\n`)
  expect(await provider.read('console', { ...image, digest: 'sha256:1' })).toEqual({})
})

it('nothing is done to an image that a stack no longer names: runs may need it', () => {
  expect(provider).not.toHaveProperty('delete')
})

it("is what Pulumi's process for dynamic resources finds by the text that is in the state", () => {
  const exported: { handler?: () => unknown } = {}
  new Function('exports', 'require', PROVIDER)(exported, createRequire(join(ROOT, 'infra/index.ts')))
  expect(Object.keys(exported.handler?.() ?? {})).toEqual(Object.keys(provider))
})
