import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import {
  bundleSource,
  createRun,
  type DrivenRun,
  driveRun,
  EXECUTORS,
  type ExecutorKind,
  type FlowSource,
  importFlow,
  memoryStore,
  PostgresStore,
} from '@millrace/engine'
import { type BundleManifest, bundleFlow, writeBundle } from '@millrace/release'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../../database.ts'
import { compareTrees } from '../../golden/compare.ts'
import { endProcesses, startWorker } from '../../process.ts'
import { makeProject } from '../release/project.ts'
import { mistakeOf } from '../sdk/failure.ts'

const REPOSITORY = resolve(import.meta.dirname, '../../..')
const GOLDEN = join(REPOSITORY, 'test/golden/datacube')

const FLOW = `import { readFileSync } from 'node:fs'
import { flow, log, secret, skip, task, UserError } from '@millrace/sdk'
import { z } from 'zod'

interface Asked {
  readonly name: string
}

const read = task('read', async ({ name }: Asked) => readFileSync(new URL(\`./sql/\${name}.sql\`, import.meta.url), 'utf8'))

const fail = task('fail', async (how: string) => {
  if (how === 'skip') return skip('dry')
  if (how === 'mistake') throw new UserError('no rain', 'wait for it')
  throw new TypeError('flood')
})

export default flow(
  { name: 'rain', params: z.object({ how: z.enum(['well', 'skip', 'mistake', 'defect']) }) },
  async ({ how }) => {
    const texts = await read.map([{ name: 'one' }, { name: 'two' }])
    log.info(\`read \${texts.length}\`, { password: secret('rain-password') })
    return how === 'well' ? texts : await fail.mapSettled([how])
  },
)
`

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-bundles-'))
  // Where bundles are, the packages that they need must be.
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'))
  process.env.RAIN_PASSWORD = 's3cret-rain'
})
afterAll(async () => {
  await endProcesses()
  rmSync(folder, { recursive: true, force: true })
})

/** Makes the bundle of a flow, in a folder that has nothing of the project. @returns its file */
async function bundled(root: string, flow: string): Promise<string> {
  return await writeBundle(folder, await bundleFlow(root, flow), {} as BundleManifest)
}

async function rainBundle(): Promise<string> {
  const project = makeProject({
    'flows/rain/flow.ts': FLOW,
    'flows/rain/sql/one.sql': 'select 1\n',
    'flows/rain/sql/two.sql': 'select 2\n',
  })
  const file = await bundled(project.root, 'rain')
  // What runs is the bundle, and not by chance the project.
  project.remove()
  return file
}

async function run(
  source: FlowSource,
  executor: ExecutorKind,
  params: unknown,
): Promise<DrivenRun & { lines: string[] }> {
  const database = executor === 'cluster' ? await createDatabase() : undefined
  const store = database ? await PostgresStore.open(database.url) : memoryStore()
  const lines: string[] = []
  try {
    if (database) await startWorker({ database: database.url, root: folder })
    const flow = await importFlow(folder, source)
    const { id } = await createRun({ flow, source, params, env: 'dev', executor, store })
    const driven = await driveRun(id, {
      flow,
      store,
      root: folder,
      slots: 2,
      onLog: (_source, entry) => lines.push(`${entry.message} ${JSON.stringify(entry.fields ?? {})}`),
    })
    return { ...driven, lines }
  } finally {
    await endProcesses()
    await store.close()
    await database?.drop()
  }
}

describe.each(EXECUTORS)('a flow from its bundle, %s', (executor) => {
  let source: FlowSource
  beforeAll(async () => {
    source = bundleSource(folder, await rainBundle())
  })

  it('runs, and its tasks find its files', async () => {
    const { run: ended, result, lines } = await run(source, executor, { how: 'well' })
    expect([ended.state, result]).toEqual(['Completed', ['select 1\n', 'select 2\n']])
    expect(lines).toContainEqual(expect.stringMatching(/^read 2 /))
    expect(lines.join()).not.toContain('s3cret-rain')
  })

  it('skips, and reports mistakes as such, though it has a Millrace of its own', async () => {
    expect((await run(source, executor, { how: 'skip' })).result).toEqual([{ status: 'skipped', reason: 'dry' }])
    const { result } = await run(source, executor, { how: 'mistake' })
    expect(result).toEqual([
      { status: 'rejected', reason: expect.objectContaining({ name: 'UserError', hint: 'wait for it' }) },
    ])
  })

  it('says where in the source a defect is', async () => {
    const { result } = await run(source, executor, { how: 'defect' })
    const [{ reason }] = result as [{ reason: Error }]
    const line = FLOW.split('\n').findIndex((text) => text.includes('flood')) + 1
    expect(reason.stack).toMatch(new RegExp(`^TypeError: flood\n +at .*flows/rain/flow\\.ts:${line}:9\\)?\n`))
    expect(reason.stack).toContain('node_modules/@millrace/sdk/task.ts:')
    expect(reason.stack).not.toContain(source.digest)
  })

  it('names a wrong parameter', async () => {
    const flow = await importFlow(folder, source)
    expect(await mistakeOf(() => flow.definition.parse({ how: 'badly' }))).toMatch(/^flow rain: parameter how: /)
  })
})

describe('flows of this repository from their bundles', () => {
  it('hello greets', async () => {
    const source = bundleSource(folder, await bundled(REPOSITORY, 'hello'))
    const { result } = await run(source, 'threads', { names: ['Ada', 'Grace'] })
    expect(result).toEqual(['Hello, Ada!', 'Hello, Grace!'])
  })

  it.each(['03-qualifiers', '06-two-files', '07-dirty', '08-map-edges'])(
    'datacube writes what it must: %s',
    async (name) => {
      const source = bundleSource(folder, await bundled(REPOSITORY, 'datacube'))
      const given = JSON.parse(readFileSync(join(GOLDEN, name, 'params.json'), 'utf8'))
      const out = join(folder, 'out', name)
      const { run: ended, error } = await run(source, 'threads', {
        ...given,
        data_paths: given.data_paths.map((path: string) => join(GOLDEN, name, path)),
        model_bucket: `file://${out}`,
        indicator_bucket: `file://${out}`,
      })
      expect(error).toBeUndefined()
      expect(ended.state).toBe('Completed')
      expect(compareTrees(join(GOLDEN, name, 'expected.jsonl'), out)).toEqual([])
    },
  )
})

describe('a bundle is refused, in one line,', () => {
  const refused = (file: string): Promise<string> => mistakeOf(() => bundleSource(folder, file))

  it('when it is not there', async () => {
    const file = join(folder, `rain/${'0'.repeat(64)}.mjs`)
    expect(await refused(file)).toBe(`there is no bundle ${file}; make it with "millrace bundle"`)
  })

  it('when its name is not a digest', async () => {
    const file = join(folder, 'rain.mjs')
    writeFileSync(file, 'export default 1')
    expect(await refused(file)).toBe(`${file} is not a bundle: its name would be its SHA-256 and ".mjs"`)
  })

  it('when its code is another than its name says', async () => {
    const file = await rainBundle()
    const code = readFileSync(file, 'utf8')
    writeFileSync(file, code.replace('flood', 'storm'))
    expect(await refused(file)).toMatch(
      /^bundle .*\.mjs is not what its name says: its SHA-256 is [0-9a-f]{64}; make it, or get it, again$/,
    )
    writeFileSync(file, code)
    expect(bundleSource(folder, file).flow).toBe('rain')
  })

  it('when a file that it reads is gone, or another', async () => {
    const file = await rainBundle()
    const sql = join(file.slice(0, -4), 'flows/rain/sql/one.sql')
    writeFileSync(sql, 'drop table rain')
    expect(await refused(file)).toBe(
      `bundle ${file}: its file flows/rain/sql/one.sql is not what it was made with (${sql})`,
    )
    rmSync(sql)
    expect(await refused(file)).toBe(`bundle ${file}: its file flows/rain/sql/one.sql is not there (${sql})`)
  })

  it('when a package that it needs is not installed there, or another version of it', async () => {
    const project = makeProject({
      'flows/duck/flow.ts': `export { DuckDBInstance as default } from '@duckdb/node-api'`,
    })
    const file = await bundled(project.root, 'duck')
    project.remove()
    const elsewhere = mkdtempSync(join(tmpdir(), 'millrace-bundles-'))
    try {
      const moved = join(elsewhere, file.slice(dirname(file).length))
      renameSync(file, moved)
      const needs = new RegExp(`^bundle ${moved} of flow duck needs @duckdb/node-api \\S+, `)
      expect(await mistakeOf(() => bundleSource(elsewhere, moved))).toMatch(needs)
      expect(await mistakeOf(() => bundleSource(elsewhere, moved))).toMatch(
        /, which is not installed where the bundle is$/,
      )
      const other = makeProject({
        'flows/node_modules/@duckdb/node-api/package.json': '{"version": "1.0.0"}',
        [`flows/bundles/${file.slice(dirname(file).length + 1)}`]: readFileSync(moved, 'utf8'),
      })
      const there = join(other.root, 'flows/bundles', file.slice(dirname(file).length + 1))
      expect(await mistakeOf(() => bundleSource(other.root, there))).toMatch(/, and 1\.0\.0 is installed$/)
      other.remove()
    } finally {
      rmSync(elsewhere, { recursive: true })
    }
  })

  it('by the tasks of a run, when it was changed since the run began', async () => {
    const file = await rainBundle()
    const source = bundleSource(folder, file)
    const code = readFileSync(file, 'utf8')
    const flow = await importFlow(folder, source)
    writeFileSync(file, `${code}\n`)
    const store = memoryStore()
    const { id } = await createRun({ flow, source, params: { how: 'well' }, env: 'dev', executor: 'threads', store })
    const { error } = await driveRun(id, { flow, store, root: folder, slots: 1 })
    expect(error?.message).toContain('is not what its name says')
    writeFileSync(file, code)
  })
})
