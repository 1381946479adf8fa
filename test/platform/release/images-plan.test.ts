import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { imagePlanner, releaseTag } from '@millrace/release'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { reachedFiles } from '../../../platform/release/images/reached-files.ts'

const REPOSITORY = resolve(import.meta.dirname, '../../..')
const PARTS = ['flows', 'images', 'infra', 'platform', 'package.json', 'package-lock.json']

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-image-plan-'))
  for (const part of PARTS) cpSync(join(REPOSITORY, part), join(root, part), { recursive: true })
  symlinkSync(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const OTHER = process.arch === 'arm64' ? 'x64' : 'arm64'

it('an image can be planned where the packages of its system are not installed, the same everywhere', async () => {
  const tags = await Promise.all(
    [root, REPOSITORY].map(async (root) => {
      const plan = imagePlanner({ root, system: { cpu: OTHER, isHere: false } })
      return releaseTag(await plan({ flow: 'hello' }))
    }),
  )
  expect(tags[0]).toMatch(/^release-[0-9a-f]{64}$/)
  expect(tags[0]).toBe(tags[1])
})

it('that packages need not be here makes no other image of it', async () => {
  const cpu = OTHER === 'x64' ? 'arm64' : 'x64'
  const hashes = [{ cpu }, { cpu, isHere: false }] as const
  const plans = await Promise.all(hashes.map((system) => imagePlanner({ root, system })('console')))
  expect(plans[0]?.hash).toBe(plans[1]?.hash)
})

it('a package that is another in package-lock.json is another image', async () => {
  const hash = async (): Promise<string> => (await imagePlanner({ root })('runtime')).hash
  const [file, before] = [join(root, 'package-lock.json'), await hash()]
  const text = readFileSync(file, 'utf8')
  writeFileSync(
    file,
    text.replace(/("node_modules\/pg": \{[^}]*"integrity": "sha512-)[^"]+/, (_, start) => `${start}AAAA`),
  )
  expect(await hash()).not.toBe(before)
  writeFileSync(file, text)
  expect(await hash()).toBe(before)
})

it('what a module needs when it runs is found in all the ways to say it, and types are not', async () => {
  const folder = join(root, 'images/ways')
  const files: Readonly<Record<string, string>> = {
    'main.ts': `
      // Offsets are not those of bytes: … “ä” …
      import type { A } from './types.ts'
      import { type B } from './b.ts'
      import './c.ts'
      import type, { other } from './d.ts'
      export * from './e.ts'
      export type { F } from './types.ts'
      export { type G } from './g.ts'
      export const text = "import './in-a-text.ts'"
      const lazy = async () => [await import('./h.ts'), await import("./i.ts"), await import(\`./\${text}.ts\`)]
      const asset = new URL('./j.sql', import.meta.url)
      const page = new URL('./not-ours', 'https://example.org')
    `,
    'j.sql': 'select 1',
    ...Object.fromEntries(['b', 'c', 'd', 'e', 'g', 'h', 'i'].map((name) => [`${name}.ts`, ''])),
  }
  cpSync(join(REPOSITORY, 'images/worker'), folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const found = await reachedFiles(root, {}, ['images/ways/main.ts'])
  expect(found.files).toEqual(
    ['b.ts', 'c.ts', 'd.ts', 'e.ts', 'g.ts', 'h.ts', 'i.ts', 'j.sql', 'main.ts'].map((name) => `images/ways/${name}`),
  )
})
