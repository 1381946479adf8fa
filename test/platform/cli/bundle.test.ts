import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { command, type Ended } from '../../e2e/command.ts'
import { flowModule, makeProject } from '../release/project.ts'

let project: ReturnType<typeof makeProject>
const millrace = (line: string): Promise<Ended> => command(`millrace ${line}`, project.root)
const write = (path: string, text: string): void => writeFileSync(join(project.root, path), text)

beforeEach(() => {
  project = makeProject({
    'flows/rain/flow.ts': flowModule('rain', `labels: ['wet']`),
    'flows/rain/rain.sql': 'select 1\n',
    'flows/sun/flow.ts': flowModule('sun'),
    '.gitignore': 'node_modules\n.millrace\nout\n',
  })
})
afterEach(() => project.remove())

describe('millrace bundle', () => {
  it('writes the bundles of all flows, and says what each is', async () => {
    const { code, out } = await millrace('bundle')
    expect(code).toBe(0)
    const [, rain = '', sun = '', last] = out.trim().split('\n')
    expect(rain).toMatch(/^rain +[0-9a-f]{64} +\d+\.\d KiB +1, 9 B$/)
    expect(sun).toMatch(/^sun +[0-9a-f]{64} +\d+\.\d KiB +none$/)
    expect(last).toBe('in out/bundles')
    const [, digest] = rain.split(/ +/)
    expect(readdirSync(join(project.root, 'out/bundles/rain')).sort()).toEqual([
      `${digest}`,
      `${digest}.json`,
      `${digest}.mjs`,
      `${digest}.mjs.map`,
    ])
  })

  it('writes those that are named, where it is told, and prints their manifests for programs', async () => {
    const { code, out } = await millrace('bundle rain --out build/here --json')
    expect(code).toBe(0)
    const [rain, ...others] = JSON.parse(out)
    expect(others).toEqual([])
    expect(rain).toMatchObject({
      name: 'rain',
      labels: ['wet'],
      externals: {},
      file: `build/here/rain/${rain.digest}.mjs`,
    })
    const { file, ...manifest } = rain
    const written = readFileSync(join(project.root, file.replace('.mjs', '.json')), 'utf8')
    expect(JSON.parse(written)).toEqual(manifest)
  })

  it('gives the same digest under any umask, time zone and working folder', async () => {
    const digest = async (line: string): Promise<string> =>
      JSON.parse((await command(line, project.root)).out).map((each: { digest: string }) => each.digest)
    const here = await digest('millrace bundle --json')
    const elsewhere = `bash -c 'umask 077; cd flows/rain; TZ=Asia/Tokyo LANG=tr_TR NODE_ENV=production millrace bundle --json --out ../../out/2'`
    expect(await digest(elsewhere)).toEqual(here)
  })

  it.each<[what: string, prepare: () => void, line: string, err: string | RegExp]>([
    [
      'an unknown flow',
      () => {},
      'bundle rains',
      'millrace: there is no flow "rains"; did you mean "rain"?\n  Flows here: rain, sun.\n',
    ],
    [
      'a flow that does not compile',
      () => write('flows/sun/flow.ts', 'export default flow(\n'),
      'bundle',
      /^millrace: flows\/sun\/flow\.ts:\d+:\d+: [^\n]+\n$/,
    ],
    [
      'two flows of one name',
      () => write('flows/sun/flow.ts', flowModule('rain')),
      'bundle',
      'millrace: flows/sun/flow.ts holds a flow named "rain"; its folder must have the same name\n',
    ],
    [
      'a flow that does not say whose it is',
      () => write('flows/sun/flow.ts', flowModule('sun').replace(`owner: 'us',`, '')),
      'bundle',
      'millrace: flow sun: owner: is required (text)\n',
    ],
    [
      'a file that the code names and that is not there',
      () =>
        write('flows/sun/flow.ts', `${flowModule('sun')}export const sql = new URL('./sun.sql', import.meta.url)\n`),
      'bundle',
      'millrace: flows/sun/flow.ts:6: there is no file "./sun.sql" (flows/sun/sun.sql)\n',
    ],
    [
      'a folder that cannot be written',
      () => write('out', ''),
      'bundle rain',
      /^millrace: cannot write .*out\/bundles\/rain\/[0-9a-f]{64}.*: its folder is a file\n$/,
    ],
    ['no commit to compare with', () => {}, 'affected', /required option '--since <ref>'/],
    ['no repository to compare in', () => {}, 'affected --since main', /^millrace: \S+ is not in a git repository\n$/],
    [
      'a page of an unknown kind',
      () => {},
      'catalogue --out flows.pdf',
      'millrace: --out: expected a file that ends in .html or .md, got "flows.pdf"\n',
    ],
    [
      'a page that cannot be written',
      () => {},
      'catalogue --out gone/flows.md',
      'millrace: --out: cannot write gone/flows.md: the folder does not exist\n',
    ],
  ])('says in a line, with exit code 2, what is wrong: %s', async (_what, prepare, line, err) => {
    prepare()
    const ended = await millrace(line)
    expect(ended.err).toEqual(typeof err === 'string' ? err : expect.stringMatching(err))
    expect(ended.code).toBe(2)
    expect(ended.out).toBe('')
  })
})

describe('millrace affected', () => {
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: project.root, encoding: 'utf8' })
  beforeEach(() => {
    git('init', '--quiet', '--initial-branch=main')
    git('add', '.')
    git('-c', 'user.name=test', '-c', 'user.email=test@example.org', 'commit', '--quiet', '--message', 'all')
  })

  it('lists the flows whose bundles are others, and why', async () => {
    expect((await millrace('affected --since main')).out).toMatch(
      /^No flow is affected since main \([0-9a-f]{7}\)\.\n$/,
    )
    write('flows/rain/rain.sql', 'select 2\n')
    write('flows/rain/more.sql', 'select 3\n')
    const { code, out } = await millrace('affected --since main')
    expect(code).toBe(0)
    expect(out.split('\n')[1]).toMatch(/^rain +changed +flows\/rain\/more\.sql \(new\), flows\/rain\/rain\.sql$/)
    const found = JSON.parse((await millrace('affected --since main --json')).out)
    expect(found).toMatchObject({ since: 'main', commit: git('rev-parse', 'main').trim(), flows: [{ flow: 'rain' }] })
  })
})

describe('millrace catalogue', () => {
  it('writes a page of all flows, of the kind that the name says', async () => {
    expect((await millrace('catalogue --out flows.md')).out).toBe('2 flows in flows.md\n')
    expect(readFileSync(join(project.root, 'flows.md'), 'utf8')).toContain('| [rain](#rain) | Does it. | us |')
    await millrace('catalogue --out flows.html')
    expect(readFileSync(join(project.root, 'flows.html'), 'utf8')).toContain('<h2 id="rain">rain</h2>')
    expect(existsSync(join(project.root, 'out'))).toBe(false)
  })
})
