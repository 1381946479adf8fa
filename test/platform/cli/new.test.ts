import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { bundleFlow, readManifests } from '@millrace/release'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import { newFlow } from '../../../platform/cli/commands/new.ts'
import { TEMPLATE_NAMES } from '../../../platform/cli/new/template.ts'
import { violations } from '../../architecture.ts'
import { command, type Ended } from '../../e2e/command.ts'
import { copyProject } from '../../e2e/project-copy.ts'
import { failureOf, mistakeOf } from '../sdk/failure.ts'

const ROOT = join(import.meta.dirname, '../../..')
const ANSWERS = {
  description: 'Tidies up.',
  owner: 'Ada',
  contact: 'ada@example.org',
  source: 'gs://example-in/orders',
  sink: 'gs://example-out/orders',
}

/** All files below a folder. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

const json = (path: string): unknown => JSON.parse(readFileSync(join(ROOT, path), 'utf8'))

describe('a flow from a template passes as it is', () => {
  /** Names as short and as long as they may be. Texts that need care in TypeScript. */
  const MADE = [
    { name: 'o', template: 'etl', ...ANSWERS },
    {
      name: `stations-${'of-the-north-'.repeat(3)}a2`,
      template: 'fan-out',
      ...ANSWERS,
      description: `Says "it's", and \\n, of a hundred letters, so that it would not fit into the line that it stands in, or so`,
      owner: "Ada's team",
      source: 's3://example-in/',
    },
    { name: 'my-flow-2', template: 'sync', ...ANSWERS, owner: 'OWNER' },
  ] as const
  const NAMES = MADE.map(({ name }) => name)
  const made = new Map<string, Ended>()
  let project: Awaited<ReturnType<typeof copyProject>>
  let created: string[]

  const run = (line: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> => command(line, project.folder, env)
  const resultOf = async (line: string): Promise<unknown> => JSON.parse((await run(`${line} --json`)).out).result

  beforeAll(async () => {
    project = await copyProject()
    const before = new Set(filesIn(join(project.folder, 'flows')))
    for (const { name, ...options } of MADE) {
      const words = Object.entries(options).map(([option, value]) => `--${option} '${value.replaceAll("'", "'\\''")}'`)
      made.set(name, await run(`millrace new ${name} ${words.join(' ')}`))
    }
    created = filesIn(join(project.folder, 'flows'))
      .filter((path) => !before.has(path))
      .map((path) => `flows/${path}`)
      .concat(NAMES.map((name) => `test/flows/${name}.test.ts`))
  })
  afterAll(() => project.remove())

  it('there is a flow of each template', () => {
    expect(MADE.map(({ template }) => template)).toEqual(TEMPLATE_NAMES)
    expect(readdirSync(join(ROOT, 'platform/cli/templates')).filter((name) => !name.includes('.'))).toEqual(
      TEMPLATE_NAMES,
    )
    expect(NAMES.map((name) => name.length)).toEqual([1, 50, 9])
  })

  it('and what was made is said, with what to do next', () => {
    for (const { name, template, owner, contact } of MADE) {
      const { code, out, err } = made.get(name) ?? {}
      expect({ code, err }).toEqual({ code: 0, err: '' })
      const [first, ...lines] = out?.split('\n') ?? []
      expect(first).toBe(`Made the flow ${name} (${template}), owner ${owner}, contact ${contact}:`)
      expect(lines.slice(0, lines.indexOf('')).map((line) => line.trim())).toEqual(
        created.filter((path) => path.includes(`/${name}/`) || path.includes(`/${name}.`)),
      )
      expect(out).toContain(`  npx millrace run ${name} --fixture example\n`)
      expect(out).toContain(`  npm run vitest -- test/flows/${name}.test.ts\n`)
    }
  })

  it('has a README, a fixture and a .flowignore, and nothing of the template but its own name', () => {
    for (const { name, description, sink } of MADE) {
      for (const file of ['README.md', 'fixtures/example.json', '.flowignore']) {
        expect(created).toContain(`flows/${name}/${file}`)
      }
      const text = readFileSync(join(project.folder, 'flows', name, 'README.md'), 'utf8')
      expect(text).toContain(`# ${name}\n\n${description}\n`)
      expect(text).toContain(`\`${sink}\``)
    }
    for (const path of created.filter((path) => !path.includes('my-flow-2'))) {
      expect(path + readFileSync(join(project.folder, path), 'utf8')).not.toMatch(
        /my-flow|DESCRIPTION|OWNER|CONTACT|SOURCE|SINK/,
      )
    }
  })

  it.each(MADE)('$template: is shown', async ({ name, description, owner }) => {
    const { code, out } = await run(`millrace flows show ${name}`)
    expect(code).toBe(0)
    expect(out).toMatch(`${name}: ${description}\n  owner: ${owner}\n`)
  })

  it.each([
    [MADE[0].name, { files: 2, read: 9, written: 5 }],
    [MADE[1].name, { parts: 2, stations: 3, leftOut: 1 }],
    [MADE[2].name, { copied: 3, unchanged: 0 }],
  ])('%s: runs on its fixture', async (name, result) => {
    expect(await resultOf(`millrace run ${name} --fixture example`)).toEqual(result)
    expect(filesIn(join(project.folder, 'out', name)).length).toBeGreaterThan(0)
  })

  it('sync: copies nothing when it is run again, and all when it is told to', async () => {
    const again = `millrace run ${MADE[2].name} --fixture example`
    expect(await resultOf(again)).toEqual({ copied: 0, unchanged: 3 })
    expect(await resultOf(`${again} --param full=true`)).toEqual({ copied: 3, unchanged: 0 })
  })

  it('passes its own tests', async () => {
    const files = NAMES.map((name) => `test/flows/${name}.test.ts`)
    const { code, err } = await run(`npm run -s vitest -- --reporter=json --outputFile=new.json ${files.join(' ')}`, {
      MILLRACE_TEST_DATABASE: inject('postgres'),
    })
    expect(code, err).toBe(0)
    const report = JSON.parse(readFileSync(join(project.folder, 'new.json'), 'utf8')) as {
      readonly testResults: readonly { readonly name: string; readonly assertionResults: readonly unknown[] }[]
    }
    const paths = report.testResults.map(({ name }) => name.slice(project.folder.length + 1))
    expect(paths.sort()).toEqual(files.sort())
    for (const { assertionResults } of report.testResults) expect(assertionResults.length).toBeGreaterThanOrEqual(7)
  })

  it('is as the formatter, the linter and the compiler want it', async () => {
    const config = {
      extends: './tsconfig.json',
      include: NAMES.flatMap((name) => [`flows/${name}`, `test/flows/${name}.*`]),
    }
    writeFileSync(join(project.folder, 'tsconfig.new.json'), JSON.stringify(config))
    const checks = [`biome check --error-on-warnings ${created.join(' ')}`, 'tsc -p tsconfig.new.json']
    for (const ended of await Promise.all(checks.map((line) => run(line)))) expect(ended).toMatchObject({ code: 0 })
  })

  it('may be deployed, with what was said about it', async () => {
    const manifests = await readManifests(project.folder, NAMES)
    const expected = MADE.map(({ name, description, owner, contact, source, sink }) => ({
      name,
      description,
      owner,
      contact,
      sources: [source.replace(/\/$/, '')],
      sinks: [sink],
      environments: ['dev', 'prod'],
    }))
    expect(new Set(manifests.map(({ name }) => name))).toEqual(new Set(NAMES))
    for (const each of expected) expect(manifests.find(({ name }) => name === each.name)).toMatchObject(each)
  })

  it('ships its SQL, not its fixtures', async () => {
    const { assets } = await bundleFlow(project.folder, MADE[0].name)
    expect(assets.map(({ path }) => path)).toEqual(['flows/o/clean.sql'])
  })

  it('keeps the rules of the house', () => {
    const files = created
      .filter((path) => path.startsWith('flows/') && path.endsWith('.ts'))
      .map((path) => ({ path, source: readFileSync(join(project.folder, path), 'utf8') }))
    const packages = ['flows', 'platform/sdk'].map((folder) => ({
      folder,
      ...(json(`${folder}/package.json`) as { name: string }),
    }))
    expect(violations(files, packages)).toEqual([])
  })

  it('and the templates import what a flow may, in the same versions', () => {
    const { dependencies } = json('platform/cli/templates/package.json') as { dependencies: object }
    const flows = json('flows/package.json') as { dependencies: object }
    const all = json('package.json') as { devDependencies: { vitest: string } }
    expect({ ...flows.dependencies, vitest: all.devDependencies.vitest }).toMatchObject(dependencies)
  })
})

describe('millrace new', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-new-'))
    mkdirSync(join(folder, 'flows'))
    // Whoever runs the tests has a name for git, or has none.
    writeFileSync(join(folder, 'gitconfig'), '[user]\n  name = Grace\n  email = grace@example.org\n')
    vi.stubEnv('GIT_CONFIG_GLOBAL', join(folder, 'gitconfig')).stubEnv('GIT_CONFIG_NOSYSTEM', '1')
  })
  afterEach(() => {
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true })
  })

  /** What is there, but for the settings of git. */
  const there = (): string[] =>
    readdirSync(folder, { recursive: true })
      .map(String)
      .filter((path) => path !== 'gitconfig')
      .sort()
  const written = (path: string): string => readFileSync(join(folder, path), 'utf8')
  const nobody = { input: Object.assign(new PassThrough(), { isTTY: false }), output: new PassThrough() }
  const make = (name: string, options: Parameters<typeof newFlow>[1], terminal = nobody): Promise<void> =>
    newFlow(name, options, terminal, folder)

  it('makes nothing in a dry run, and says what it would make', async () => {
    const { code, out } = await command('millrace new orders --template etl --dry-run', folder)
    expect(code).toBe(0)
    expect(out).toMatch(/^Would make the flow orders:\n {2}flows\/orders\/\.flowignore\n/)
    expect(out).toMatch(/\n {2}test\/flows\/orders\.test\.ts\nDry run: nothing was written\.\n$/)
    expect(there()).toEqual(['flows'])
  })

  it('takes owner and contact from git where they are not given', async () => {
    const { owner: _owner, contact: _contact, ...rest } = ANSWERS
    await make('orders', { template: 'etl', ...rest })
    expect(written('flows/orders/flow.ts')).toContain("owner: 'Grace',\n    contact: 'grace@example.org',")
    expect(there().filter((path) => path.includes('.new-'))).toEqual([])
  })

  it('names all that is missing where it can ask nobody, and makes nothing', async () => {
    writeFileSync(join(folder, 'gitconfig'), '')
    expect(await mistakeOf(() => make('orders', { template: 'etl', sink: 'gs://out' }))).toMatch(
      /^new: --description, --owner, --contact and --source are missing, and there is nobody here to ask\n--description: /,
    )
    expect(there()).toEqual(['flows'])
  })

  it('says it in one line, and ends with 2', async () => {
    const { code, out, err } = await command('millrace new Orders --template etl', folder)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toBe(
      'millrace: flow "Orders": a name starts with a letter and is made of lower-case letters, digits and "-", 50 at most\n',
    )
  })

  it.each([
    [
      'orders',
      { template: 'elt' },
      '--template: there is no template "elt"\nThere are: etl (files in, SQL, files out), ',
    ],
    ['orders', { template: 'fanout' }, '--template: there is no template "fanout"; did you mean "fan-out"?'],
    ['orders', { dryRun: true }, 'new: --template is missing: one of etl, fan-out, sync'],
    ['../orders', {}, 'flow "../orders": a name starts with a letter'],
    ['orders', { description: ' ' }, '--description: expected one line of text, got " "'],
    ['orders', { owner: 'Ada\nGrace' }, '--owner: expected one line of text, got "Ada\\nGrace"'],
    ['orders', { source: 'orders' }, '--source: store "orders": expected a URL\nA folder is written file:orders.'],
    ['orders', { sink: 'ftp://example.org' }, '--sink: store "ftp://example.org": there is no store for ftp:'],
  ])('refuses %s with %o', async (name, options, message) => {
    const given = { ...('dryRun' in options ? {} : { template: 'etl' }), ...ANSWERS, ...options }
    expect((await mistakeOf(() => make(name, given))).slice(0, message.length)).toBe(message)
    expect(there()).toEqual(['flows'])
  })

  it.each(['flows/orders', 'test/flows/orders.test.ts'])('refuses a name that is taken: %s', async (path) => {
    mkdirSync(join(folder, path), { recursive: true })
    const before = there()
    expect(await mistakeOf(() => make('orders', { template: 'etl', ...ANSWERS }))).toBe(
      `new: ${path} is there already; choose another name than orders, or move it away`,
    )
    expect(there()).toEqual(before)
  })

  it('leaves nothing behind where it cannot write the test', async () => {
    writeFileSync(join(folder, 'test'), 'a file')
    expect(await mistakeOf(() => make('orders', { template: 'etl', ...ANSWERS }))).toBe(
      'new: cannot write test/flows/orders.test.ts: a part of its path is a file',
    )
    expect(there()).toEqual(['flows', 'test'])
  })

  it('says so where it cannot write at all', async () => {
    rmSync(join(folder, 'flows'), { recursive: true })
    writeFileSync(join(folder, 'flows'), 'a file')
    expect(await mistakeOf(() => make('orders', { template: 'etl', ...ANSWERS }))).toBe(
      'new: cannot write flows: a part of its path is a file',
    )
  })

  it('says so where there is no project', async () => {
    rmSync(join(folder, 'flows'), { recursive: true })
    expect(await mistakeOf(() => make('orders', { template: 'etl', ...ANSWERS }))).toMatch(
      /^new: there is no folder flows here, nor above; go to the folder of the project/,
    )
  })

  describe('with somebody to ask', () => {
    /** What becomes of it when somebody types these lines. */
    async function typed(lines: string, options = {}): Promise<{ ended: Promise<void>; screen: () => string }> {
      const input = Object.assign(new PassThrough(), { isTTY: true })
      const output = new PassThrough()
      const ended = make('orders', options, { input, output })
      input.end(lines)
      return { ended, screen: () => String(output.read() ?? '') }
    }

    it('asks for what is not given', async () => {
      const { ended, screen } = await typed('sync\nCopies orders.\ngs://example-out\n', { source: 'gs://example-in' })
      await ended
      expect(screen()).toMatch(
        /^Template: one of etl, fan-out, sync: What it is for, in a sentence: Where production writes, a URL: Made the flow orders \(sync\), owner Grace, contact grace@example.org:\n/,
      )
      expect(written('flows/orders/flow.ts')).toContain("description: 'Copies orders.'")
      expect(written('flows/orders/flow.ts')).toContain("sink: 'gs://example-out'")
    })

    it('asks again where the answer is of no use, and says why', async () => {
      const { ended, screen } = await typed('elt\netl\n', ANSWERS)
      await ended
      expect(screen()).toMatch(/^Template: .*: {3}--template: there is no template "elt"\nTemplate: .*: Made the flow/)
    })

    it('makes nothing where somebody does not answer', async () => {
      const { ended } = await typed('etl\nCleans orders.\n', { source: 'gs://example-in' })
      expect(await failureOf(() => ended)).toMatchObject({ name: 'CancelledError', message: 'nothing was made' })
      expect(there()).toEqual(['flows'])
    })
  })
})
