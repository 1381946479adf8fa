import { createHash } from 'node:crypto'
import { chmodSync, cpSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { bundleFlow, bundleFlows } from '@millrace/release'
import { onTestFinished as after, describe, expect, it, vi } from 'vitest'
import { mistakeOf } from '../sdk/failure.ts'
import { flowModule, makeProject } from './project.ts'

const REPOSITORY = resolve(import.meta.dirname, '../../..')

/** A project of one flow, `rain`, made of a module and more files. */
function project(files: Readonly<Record<string, string>>): string {
  const made = makeProject(files)
  after(made.remove)
  return made.root
}

const rain = (root: string): ReturnType<typeof bundleFlow> => bundleFlow(root, 'rain')
const pathsOf = async (root: string): Promise<string[]> => (await rain(root)).assets.map(({ path }) => path)

/** A flow that says what `body` does; `head` stands above it. */
function module(body: string, head = ''): string {
  return `${head}\nimport { flow } from '@millrace/sdk'\nexport default flow({ name: 'rain' }, async () => { ${body} })\n`
}

describe('a bundle', () => {
  const FILES = {
    'flows/rain/flow.ts': `import { flow, log, store, task } from '@millrace/sdk'
import { z } from 'zod'
import { drops } from '../clouds/drops.ts'
const count = task('count', async (n: number): Promise<number> => drops(n))
export default flow({ name: 'rain', params: z.object({ n: z.int() }) }, async ({ n }) => {
  log.info('counting')
  await store('gs://rain').writeJson('n.json', await count(n))
})
`,
    'flows/clouds/drops.ts': 'export const drops = (n: number): number => n * 1000\n',
    'flows/rain/sql/two.sql': 'select 2\n',
    'flows/rain/one.sql': 'select 1\n',
  }

  it('is the same in another folder, with other modes, times, packages further up, and other settings', async () => {
    const [here, there] = [project(FILES), project({})]
    const nested = join(there, 'flows/a b/#1')
    cpSync(here, nested, { recursive: true, filter: (path) => !path.endsWith('node_modules') })
    for (const path of Object.keys(FILES)) {
      chmodSync(join(nested, path), 0o700)
      utimesSync(join(nested, path), 1, 1)
    }
    const before = await rain(here)
    vi.stubEnv('TZ', 'Asia/Tokyo').stubEnv('LANG', 'de_DE').stubEnv('NODE_ENV', 'production')
    after(() => void vi.unstubAllEnvs())
    const again = await rain(nested)
    expect(again.code).toBe(before.code)
    expect(again.digest).toBe(before.digest)
    expect(again.map).toEqual(before.map)
    expect(before.assets.map(({ path }) => path)).toEqual(['flows/rain/one.sql', 'flows/rain/sql/two.sql'])
  })

  it('is named by the SHA-256 of its code', async () => {
    const { code, digest } = await rain(project(FILES))
    expect(createHash('sha256').update(code).digest('hex')).toBe(digest)
  })

  it('has all that the flow imports, but for large and native packages: those it names, with their versions', async () => {
    const flow = FILES['flows/rain/flow.ts'].replace('log.info', `await import('@duckdb/node-api'); log.info`)
    const { code, externals } = await rain(project({ ...FILES, 'flows/rain/flow.ts': flow }))
    const imported = [...code.matchAll(/^import .*"(.+)";$|\bimport\("(.+?)"\)/gm)].map(([, a, b]) => a ?? b)
    const outside = ['@aws-sdk/client-s3', '@aws-sdk/lib-storage', '@duckdb/node-api', '@google-cloud/storage']
    expect(imported.filter((name) => !name?.startsWith('node:')).sort()).toEqual(outside)
    expect(externals).toEqual(Object.fromEntries(outside.map((name) => [name, versionOf(name)])))
  })

  it('needs nothing that the flow does not use', async () => {
    expect((await rain(project({ 'flows/rain/flow.ts': module('') }))).externals).toEqual({})
  })

  it('keeps names, and says which part comes from where', async () => {
    const { code, map } = await rain(project(FILES))
    expect(code).toContain('// flows/clouds/drops.ts\nconst drops = (n) => ')
    expect(map.sources).toContain('flows/rain/flow.ts')
    expect(map.sources).toContain('node_modules/@millrace/sdk/task.ts')
  })

  it('does what its source does, also where only a failure is looked for', async () => {
    const checks = ['encodeURIComponent', 'decodeURIComponent', 'new URL', 'JSON.parse', 'new RegExp', 'BigInt']
    const body = checks.map((check) => `try { ${check}(text) } catch { return false }`).join('\n')
    const flow = `export default (text: string) => {\n${body}\nreturn true\n}\n`
    const { code } = await rain(project({ 'flows/rain/flow.ts': flow }))
    for (const check of checks) expect(code).toContain(`${check}(text)`)
  })

  it('changes with each of its parts', async () => {
    const root = project(FILES)
    const digests = [(await rain(root)).digest]
    const edits = { ts: /1000|counting/, sql: /1|2/ }
    for (const path of Object.keys(FILES)) {
      const text = readFileSync(join(root, path), 'utf8')
      writeFileSync(join(root, path), text.replace(path.endsWith('.sql') ? edits.sql : edits.ts, '77'))
      digests.push((await rain(root)).digest)
    }
    expect(new Set(digests).size).toBe(1 + Object.keys(FILES).length)
  })

  it('does not change with what does not run: comments, types, other files', async () => {
    const root = project(FILES)
    const { digest } = await rain(root)
    const flow = join(root, 'flows/rain/flow.ts')
    writeFileSync(flow, `// Counts.\n${readFileSync(flow, 'utf8')}export interface Drop { size: number }\n`)
    for (const path of ['flows/README.md', 'flows/rain/README.md', 'flows/rain/.env', 'notes.txt', 'flows/other.ts']) {
      writeFileSync(join(root, path), 'more')
    }
    expect((await rain(root)).digest).toBe(digest)
  })

  it('is small, for each flow of this repository', async () => {
    const bundles = await bundleFlows(REPOSITORY, ['burn', 'datacube', 'hello'])
    for (const { code } of bundles) expect(code.length).toBeLessThan(1_000_000)
  })
})

describe('the files of a bundle', () => {
  const ONE = { 'flows/rain/flow.ts': module('') }

  it('are what lies beside the flow and is neither code nor for people, tests and the command line', async () => {
    const root = project({
      ...ONE,
      'flows/rain/rain.json': '{}',
      'flows/rain/sql/ä b#?.sql': '',
      'flows/rain/more.ts': '',
      'flows/rain/legacy.cjs': '',
      'flows/rain/README.md': '',
      'flows/rain/guide.md': '',
      'flows/rain/.env': 'PASSWORD=1',
      'flows/rain/fixtures/one.json': '',
      'flows/rain/test/one.json': '',
      'flows/rain/rain.test.json': '',
      'flows/rain/node_modules/x/x.json': '',
      'flows/snow/snow.sql': '',
    })
    symlinkSync('rain.json', join(root, 'flows/rain/linked.json'))
    symlinkSync('.', join(root, 'flows/rain/round'))
    symlinkSync('nowhere', join(root, 'flows/rain/lost'))
    expect(await pathsOf(root)).toEqual([
      'flows/rain/guide.md',
      'flows/rain/linked.json',
      'flows/rain/rain.json',
      'flows/rain/sql/ä b#?.sql',
    ])
  })

  it('are without what git ignores and what .flowignore says, which can also take back', async () => {
    const root = project({
      ...ONE,
      '.gitignore': '*.parquet\n/out/\n',
      'flows/rain/.gitignore': 'drafts/\n',
      'flows/rain/.flowignore':
        '# of no use when it runs\n*.proto\n/notes/\n!fixtures/\nfixtures/*\n!fixtures/kept.json\n',
      'flows/rain/rain.parquet': '',
      'flows/rain/out/x.json': '',
      'flows/rain/drafts/a.sql': '',
      'flows/rain/rain.proto': '',
      'flows/rain/notes/a.txt': '',
      'flows/rain/sql/notes/a.txt': '',
      'flows/rain/fixtures/kept.json': '',
      'flows/rain/fixtures/one.json': '',
      'flows/rain/Rain.PROTO': '',
    })
    expect(await pathsOf(root)).toEqual([
      'flows/rain/Rain.PROTO',
      'flows/rain/fixtures/kept.json',
      'flows/rain/out/x.json',
      'flows/rain/sql/notes/a.txt',
    ])
  })

  it('are also those that the code names, wherever they are', async () => {
    const root = project({
      'flows/rain/flow.ts': module(
        `return [cloud(), new URL('./fixtures/one.json', import.meta.url), new URL('https://example.org', import.meta.url)]`,
        `import { cloud } from '../clouds/cloud.ts'`,
      ),
      'flows/clouds/cloud.ts':
        'export const cloud = () => [new URL(`kinds.csv`, import.meta.url), new URL("./sql/", import.meta.url)]',
      'flows/clouds/kinds.csv': '',
      'flows/clouds/other.csv': '',
      'flows/clouds/sql/a.sql': '',
      'flows/clouds/sql/.env': '',
      'flows/rain/fixtures/one.json': '',
    })
    expect(await pathsOf(root)).toEqual([
      'flows/clouds/kinds.csv',
      'flows/clouds/sql/a.sql',
      'flows/rain/fixtures/one.json',
    ])
  })
})

describe('what cannot be bundled is one line each', () => {
  it.each<[what: string, files: Record<string, string>, lines: string[]]>([
    [
      'a syntax error',
      { 'flow.ts': 'export default 1\nconst x = = 3\n' },
      ['flows/rain/flow.ts:2:11: Unexpected token'],
    ],
    [
      'a syntax error in a module that it imports',
      { 'flow.ts': `import './more.ts'`, 'more.ts': '\nlet let = 1' },
      ['flows/rain/more.ts:2:5: '],
    ],
    [
      'a module that is not there',
      { 'flow.ts': `import { x } from './gone.ts'\nexport default x` },
      [`flows/rain/flow.ts:1:19: Could not resolve './gone.ts'`],
    ],
    [
      'a name that is not exported',
      { 'flow.ts': `import { x } from './more.ts'\nexport default x`, 'more.ts': 'export const y = 1' },
      ['flows/rain/flow.ts:1:10: "x" is not exported by "flows/rain/more.ts"'],
    ],
    [
      'a package that is not installed',
      { 'flow.ts': `\nimport x from '@rain/drops/big'\nexport default x` },
      ['flows/rain/flow.ts:2: the package "@rain/drops" is not installed; npm install it'],
    ],
    [
      'files that are not there',
      {
        'flow.ts': `export default [\n  new URL('./a.sql', import.meta.url),\n  new URL('../b.sql', import.meta.url)]`,
      },
      [
        'flows/rain/flow.ts:2: there is no file "./a.sql" (flows/rain/a.sql)',
        'flows/rain/flow.ts:3: there is no file "../b.sql" (flows/b.sql)',
      ],
    ],
    [
      'a thread of its own',
      { 'flow.ts': `export default () => new Worker(new URL('./more.ts', import.meta.url))`, 'more.ts': '' },
      ['flows/rain/flow.ts:1: a bundle is one file, and has no "./more.ts" to run as a thread; make it a task'],
    ],
    [
      'an import whose path is put together',
      { 'flow.ts': `export default (name: string) => import('./' + name + '.ts')` },
      [
        `flows/rain/flow.ts:1: a bundle is one file, and has no others to import; import('./' + name + '.ts') needs a fixed path`,
      ],
    ],
    [
      'a file with a line break in its name',
      { 'flow.ts': 'export default 1', 'a\nb.sql': '' },
      ['"flows/rain/a\\nb.sql": a file of a bundle has no "\\" and no line break in its name; rename it'],
    ],
  ])('%s', async (_what, files, lines) => {
    const root = project(Object.fromEntries(Object.entries(files).map(([name, text]) => [`flows/rain/${name}`, text])))
    const said = (await mistakeOf(() => rain(root))).split('\n')
    expect(said).toEqual(lines.map((line) => expect.stringMatching(new RegExp(`^${escaped(line)}`))))
  })

  it('a module from outside of the project', async () => {
    const root = project({ 'flows/rain/flow.ts': '' })
    const stranger = `${root}-stranger.ts`
    writeFileSync(stranger, 'export default 1')
    after(() => rmSync(stranger))
    writeFileSync(join(root, 'flows/rain/flow.ts'), `export { default } from '../../../${stranger.split('/').at(-1)}'`)
    expect(await mistakeOf(() => rain(root))).toBe(
      `flows/rain/flow.ts: imports ${stranger}, which is outside of the project; move it in`,
    )
  })

  it('the mistakes of several flows together', async () => {
    const root = project({
      'flows/rain/flow.ts': 'x = = 1',
      'flows/snow/flow.ts': 'y = = 1',
      'flows/sun/flow.ts': flowModule('sun'),
    })
    const said = await mistakeOf(() => bundleFlows(root, ['rain', 'snow', 'sun']))
    expect(said.split('\n')).toEqual([
      expect.stringContaining('flows/rain/flow.ts:1:5'),
      expect.stringContaining('flows/snow/flow.ts:1:5'),
    ])
  })
})

describe('packages', () => {
  /** A package that is installed beside the flow. */
  const installed = (name: string, json: object, code = 'module.exports = 1'): Record<string, string> => ({
    [`flows/node_modules/${name}/package.json`]: JSON.stringify({ name, version: '1.2.3', main: 'index.js', ...json }),
    [`flows/node_modules/${name}/index.js`]: code,
  })
  const importing = (name: string): Record<string, string> => ({
    'flows/rain/flow.ts': `import x from '${name}'\nexport default x\n`,
  })

  it.each<[what: string, json: object]>([
    ['is compiled when it is installed', { gypfile: true }],
    [
      'comes as a part for each system',
      { optionalDependencies: { 'drops-linux-x64': '1', 'drops-darwin-arm64': '1' } },
    ],
    ['is downloaded when it is installed', { scripts: { install: 'prebuild-install || node-gyp rebuild' } }],
    ['needs one that does', { dependencies: { bottom: '1' } }],
  ])('stay outside when one %s', async (_what, json) => {
    const root = project({
      ...importing('drops'),
      ...installed('drops', json),
      ...installed('bottom', { gypfile: true }),
    })
    const { externals, code } = await rain(root)
    expect(externals).toEqual({ drops: '1.2.3' })
    expect(code).toContain('from "drops"')
  })

  it('stay outside where they are loaded by require, too', async () => {
    const root = project({
      ...importing('drops'),
      ...installed('drops', {}, `module.exports = require('bottom/part')`),
      ...installed('bottom', { gypfile: true }),
    })
    expect((await rain(root)).externals).toEqual({ bottom: '1.2.3' })
  })

  it('are not needed when they are optional: a system may lack them', async () => {
    const code = `let x; try { x = require('bottom') } catch {} ; module.exports = x`
    const files = {
      ...importing('drops'),
      ...installed('drops', { optionalDependencies: { bottom: '1' } }, code),
    }
    const [without, having] = [project(files), project({ ...files, ...installed('bottom', {}) })]
    expect((await rain(without)).externals).toEqual({})
    expect((await rain(having)).digest).toBe((await rain(without)).digest)
  })

  it('go in when they are links into the project, whatever they depend on', async () => {
    const root = project({
      ...importing('@us/tiles'),
      'tiles/package.json': '{"name": "@us/tiles", "exports": "./index.ts", "dependencies": {"bottom": "1"}}',
      'tiles/index.ts': `import bottom from 'bottom'\nexport default (tile: string) => bottom(tile)\n`,
      ...installed('bottom', { gypfile: true }),
      'flows/node_modules/@us/README.md': '',
    })
    symlinkSync('../../../tiles', join(root, 'flows/node_modules/@us/tiles'))
    const { externals, code } = await rain(root)
    expect(externals).toEqual({ bottom: '1.2.3' })
    expect(code).toContain('(tile) => bottom(tile)')
  })

  it('go in otherwise, JSON and modules of both kinds', async () => {
    const root = project({
      ...importing('drops'),
      ...installed('drops', {}, `exports.bottom = require('bottom'); exports.data = require('./data.json')`),
      ...installed('bottom', { type: 'module' }, 'export default "deep"'),
      'flows/node_modules/drops/data.json': '{"wet": true}',
    })
    const { externals, code } = await rain(root)
    expect(externals).toEqual({})
    expect(code).toContain('"wet": true')
    expect(code).toContain('"deep"')
  })
})

function versionOf(name: string): string {
  return JSON.parse(readFileSync(join(REPOSITORY, 'node_modules', name, 'package.json'), 'utf8')).version
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
