import { chmodSync, globSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Bundle,
  type BundleManifest,
  bundleFlow,
  bundleManifest,
  bundleManifestOf,
  readManifests,
  writeBundle,
} from '@millrace/release'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { mistakeOf } from '../sdk/failure.ts'
import { flowModule, makeProject } from './project.ts'

let project: ReturnType<typeof makeProject>
let bundle: Bundle
let manifest: BundleManifest
let dir: string

beforeAll(async () => {
  project = makeProject({
    'flows/rain/flow.ts': flowModule('rain', `params: z.object({ n: z.int() })`).replace(
      'import',
      `import { z } from 'zod'\nimport`,
    ),
    'flows/rain/sql/one.sql': 'select 1\n',
  })
  bundle = await bundleFlow(project.root, 'rain')
  const [flow] = await readManifests(project.root)
  if (!flow) throw new Error('there is no manifest')
  manifest = bundleManifestOf(bundle, flow)
  return () => project.remove()
})
beforeEach(() => {
  dir = join(project.root, 'out')
  rmSync(dir, { recursive: true, force: true })
})

const write = (): Promise<string> => writeBundle(dir, bundle, manifest)
const written = (): string[] => globSync('**', { cwd: dir }).filter((path) => statSync(join(dir, path)).isFile())
const read = (path: string): string => readFileSync(join(dir, path), 'utf8')

describe('a bundle that is written', () => {
  it('is its code, its files by their path in the project, its manifest and its map', async () => {
    const base = `rain/${bundle.digest}`
    expect(await write()).toBe(join(dir, `${base}.mjs`))
    expect(written().sort()).toEqual([
      `${base}.json`,
      `${base}.mjs`,
      `${base}.mjs.map`,
      `${base}/flows/rain/sql/one.sql`,
    ])
    expect(read(`${base}.mjs`)).toBe(bundle.code)
    expect(read(`${base}/flows/rain/sql/one.sql`)).toBe('select 1\n')
  })

  it('has a manifest that says what it is and what it needs', async () => {
    await write()
    const found = bundleManifest.parse(JSON.parse(read(`rain/${bundle.digest}.json`)))
    expect(found).toEqual(manifest)
    expect(found).toMatchObject({
      name: 'rain',
      owner: 'us',
      params: { properties: { n: { type: 'integer' } } },
      digest: bundle.digest,
      size: Buffer.byteLength(bundle.code),
      assets: [{ path: 'flows/rain/sql/one.sql', size: 9, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }],
      externals: {},
    })
  })

  it('is left alone when it is there, and mended when it is not whole', async () => {
    const code = await write()
    const time = statSync(code).mtimeMs
    writeFileSync(join(dir, `rain/${bundle.digest}/flows/rain/sql/one.sql`), 'sel')
    await write()
    expect(statSync(code).mtimeMs).toBe(time)
    expect(read(`rain/${bundle.digest}/flows/rain/sql/one.sql`)).toBe('select 1\n')
  })

  it('is not there at all when one of its files could not be written', async () => {
    mkdirSync(join(dir, 'rain', bundle.digest), { recursive: true })
    writeFileSync(join(dir, 'rain', bundle.digest, 'flows'), 'in the way')
    expect(await mistakeOf(write)).toMatch(/^cannot write .*one\.sql: its folder is a file$/)
    expect(written()).toEqual([`rain/${bundle.digest}/flows`])
  })

  it('is refused for a folder that cannot be written', async () => {
    writeFileSync(dir, 'a file')
    expect(await mistakeOf(write)).toMatch(/^cannot write .*: its folder is a file$/)
  })

  it.skipIf(process.getuid?.() === 0)('is refused where there is no permission', async () => {
    mkdirSync(dir)
    chmodSync(dir, 0o500)
    expect(await mistakeOf(write)).toMatch(/^cannot write .*: there is no permission to write there$/)
  })

  it('is refused when a file was changed since it was bundled', async () => {
    const sql = join(project.root, 'flows/rain/sql/one.sql')
    writeFileSync(sql, 'select 2\n')
    expect(await mistakeOf(write)).toBe('flows/rain/sql/one.sql was changed while its flow was bundled; do it again')
    writeFileSync(sql, 'select 1\n')
    expect(written()).toEqual([])
  })
})
