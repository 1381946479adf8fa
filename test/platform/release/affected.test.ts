import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type AffectedFlow, affectedFlows } from '@millrace/release'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mistakeOf } from '../sdk/failure.ts'
import { makeProject } from './project.ts'

/** Three flows, with nothing in them that takes time: rain and snow share a module, which shares one with sun. */
const FILES = {
  'flows/rain/flow.ts': `import ignore from 'ignore'
import { fall } from '../clouds/fall.ts'
export default () => [fall('drops'), ignore]
`,
  'flows/rain/rain.sql': 'select 1\n',
  'flows/rain/README.md': '# Rain\n',
  'flows/snow/flow.ts': `import { fall } from '../clouds/fall.ts'\nexport default () => fall('flakes')\n`,
  'flows/sun/flow.ts': `import { sky } from '../clouds/sky.ts'\nexport default async () => sky()\n`,
  'flows/clouds/fall.ts': `import { sky } from './sky.ts'\nexport const fall = (what: string) => [sky(), what]\n`,
  'flows/clouds/sky.ts': 'export const sky = () => Math.random()\n',
  'flows/clouds/idle.ts': 'export const idle = 1\n',
  'docs/weather.md': '# Weather\n',
  'package-lock.json': JSON.stringify({
    packages: {
      'node_modules/ignore': { version: '4.0.0' },
      'node_modules/rolldown': { version: '1.0.0' },
      'node_modules/pg': { version: '8.0.0' },
    },
  }),
  '.gitignore': 'node_modules\n.millrace\n',
}

let project: ReturnType<typeof makeProject>
beforeEach(() => {
  project = makeProject(FILES)
  git('init', '--quiet', '--initial-branch=main')
  git('add', '.')
  commit('all')
})
afterEach(() => project.remove())

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: project.root, encoding: 'utf8' })
}

function commit(message: string): void {
  git('-c', 'user.name=test', '-c', 'user.email=test@example.org', 'commit', '--quiet', '--all', '--message', message)
}

function write(path: string, text: string): void {
  mkdirSync(dirname(join(project.root, path)), { recursive: true })
  writeFileSync(join(project.root, path), text)
}

function edit(path: keyof typeof FILES, from: string, to: string): void {
  expect(FILES[path]).toContain(from)
  write(path, FILES[path].replace(from, to))
}

const since = async (ref = 'HEAD'): Promise<readonly AffectedFlow[]> => (await affectedFlows(project.root, ref)).flows
const brief = (flows: readonly AffectedFlow[]): string[] =>
  flows.map(({ flow, change, files, packages }) =>
    [flow, change, ...[...files, ...packages].map(({ name, change }) => `${name} ${change}`)].join(', '),
  )

describe('the flows that a change affects are', () => {
  it.each<[what: string, change: () => void, affected: string[]]>([
    ['none, for no change', () => {}, []],
    [
      "a flow's own, for its module",
      () => edit('flows/rain/flow.ts', 'drops', 'sheets'),
      ['rain, changed, flows/rain/flow.ts changed'],
    ],
    [
      "a flow's own, for a file that it reads",
      () => edit('flows/rain/rain.sql', '1', '2'),
      ['rain, changed, flows/rain/rain.sql changed'],
    ],
    [
      "a flow's own, for a file that is new to it",
      () => write('flows/snow/snow.sql', 'select 1'),
      ['snow, changed, flows/snow/snow.sql new'],
    ],
    [
      "a flow's own, for a file that is now ignored",
      () => write('flows/rain/.flowignore', '*.sql'),
      ['rain, changed, flows/rain/rain.sql removed'],
    ],
    [
      'those that import a shared module',
      () => edit('flows/clouds/fall.ts', 'what]', 'what, 2]'),
      ['rain, changed, flows/clouds/fall.ts changed', 'snow, changed, flows/clouds/fall.ts changed'],
    ],
    [
      'those that import it through another',
      () => edit('flows/clouds/sky.ts', 'random', 'cbrt'),
      ['rain', 'snow', 'sun'].map((flow) => `${flow}, changed, flows/clouds/sky.ts changed`),
    ],
    [
      'one that begins to import a module',
      () => edit('flows/sun/flow.ts', 'sky()', 'sky() + (await import("../clouds/idle.ts")).idle'),
      ['sun, changed, flows/clouds/idle.ts new, flows/sun/flow.ts changed'],
    ],
    ['a new one', () => write('flows/wind/flow.ts', 'export default 1'), ['wind, new']],
    ['one that is gone', () => rmSync(join(project.root, 'flows/sun'), { recursive: true }), ['sun, removed']],
    [
      'those with a package in them that package-lock.json has in another version',
      () => edit('package-lock.json', '4.0.0', '4.1.0'),
      ['rain, changed, ignore changed'],
    ],
    [
      'all, for another version of the bundler',
      () => edit('package-lock.json', '1.0.0', '1.1.0'),
      ['rain', 'snow', 'sun'].map((flow) => `${flow}, changed, rolldown changed`),
    ],
    ['none, for a package that no flow uses', () => edit('package-lock.json', '8.0.0', '9.0.0'), []],
    ['none, for docs', () => edit('docs/weather.md', 'Weather', 'The weather'), []],
    ["none, for a flow's README", () => edit('flows/rain/README.md', 'Rain', 'The rain'), []],
    ['none, for a module that no flow imports', () => edit('flows/clouds/idle.ts', '1', '2'), []],
    ['none, for a comment', () => edit('flows/clouds/sky.ts', 'export', '// Blue.\nexport'), []],
    ['none, for a file elsewhere', () => write('notes/flows/rain/x.sql', 'select 1'), []],
    [
      'none, for modes and times',
      () => {
        for (const path of Object.keys(FILES)) {
          chmodSync(join(project.root, path), 0o755)
          utimesSync(join(project.root, path), 1, 1)
        }
      },
      [],
    ],
  ])('%s', async (_what, change, affected) => {
    change()
    expect(brief(await since())).toEqual(affected)
  })

  it('those since any commit, with the digests before and after', async () => {
    edit('flows/rain/flow.ts', 'drops', 'sheets')
    commit('rain')
    edit('flows/snow/flow.ts', 'flakes', 'stars')
    expect(brief(await since())).toEqual(['snow, changed, flows/snow/flow.ts changed'])
    const all = await affectedFlows(project.root, 'HEAD~1')
    expect(all.commit).toBe(git('rev-parse', 'HEAD~1').trim())
    expect(all.flows.map(({ flow }) => flow)).toEqual(['rain', 'snow'])
    for (const { from, to } of all.flows) {
      expect([from, to]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), expect.stringMatching(/^[0-9a-f]{64}$/)])
      expect(from).not.toBe(to)
    }
  })

  it('those that did not compile before', async () => {
    edit('flows/sun/flow.ts', '=>', '= >')
    commit('broken')
    write('flows/sun/flow.ts', FILES['flows/sun/flow.ts'])
    expect(await since()).toMatchObject([
      { flow: 'sun', change: 'changed', fault: expect.stringContaining('flows/sun/flow.ts:2:') },
    ])
  })

  it('found in a project that is a folder of a repository', async () => {
    const { root } = project
    const above = makeProject({})
    try {
      execFileSync('bash', ['-c', `cp -r ${root}/flows ${root}/package.json ${above.root}/`])
      const inner = join(above.root, 'weather')
      execFileSync('bash', [
        '-c',
        `mkdir ${inner} && cp -r ${root}/flows ${root}/package.json ${inner}/ && cd ${above.root} &&
        ln -s ${root}/node_modules ${inner}/ && git init -q && git add weather/flows weather/package.json &&
        git -c user.name=t -c user.email=t@example.org commit -qm all`,
      ])
      writeFileSync(join(inner, 'flows/sun/flow.ts'), FILES['flows/sun/flow.ts'].replace('sky()', 'sky() + 1'))
      const { flows } = await affectedFlows(inner, 'HEAD')
      expect(brief(flows)).toEqual(['sun, changed, flows/sun/flow.ts changed'])
    } finally {
      above.remove()
    }
  })
})

describe('looking at a commit', () => {
  const left = (): string[] => readdirSync(join(project.root, '.millrace'))

  it('leaves nothing behind, and changes nothing here', async () => {
    edit('flows/rain/flow.ts', 'drops', 'sheets')
    const status = git('status', '--porcelain')
    await since()
    expect(left()).toEqual([])
    expect(git('worktree', 'list').trim().split('\n')).toHaveLength(1)
    expect(git('status', '--porcelain')).toBe(status)
    expect(readFileSync(join(project.root, 'flows/rain/flow.ts'), 'utf8')).toContain('sheets')
  })

  it('leaves nothing behind when it is interrupted', async () => {
    const interrupted = AbortSignal.abort(new Error('interrupted'))
    await expect(affectedFlows(project.root, 'HEAD', interrupted)).rejects.toThrow('interrupted')
    expect(left()).toEqual([])
    expect(git('worktree', 'list').trim().split('\n')).toHaveLength(1)
  })

  it('works from a hook of git, whose variables name its own tree', async () => {
    process.env.GIT_INDEX_FILE = join(project.root, '.git/index.lock-of-a-hook')
    process.env.GIT_DIR = '/nowhere'
    try {
      expect(await since()).toEqual([])
    } finally {
      delete process.env.GIT_INDEX_FILE
      delete process.env.GIT_DIR
    }
  })

  it('is refused for a commit that there is not', async () => {
    expect(await mistakeOf(() => since('v9'))).toBe(
      'there is no commit "v9" here; give a commit, tag or branch, for instance HEAD~1 or main',
    )
    expect(await mistakeOf(() => since('--all'))).toMatch(/^there is no commit "--all" here/)
  })

  it('is refused where there is no repository', async () => {
    rmSync(join(project.root, '.git'), { recursive: true })
    expect(await mistakeOf(() => since())).toBe(`${project.root} is not in a git repository`)
  })

  it('is refused while a flow does not compile', async () => {
    edit('flows/sun/flow.ts', '=>', '= >')
    expect(await mistakeOf(() => since())).toMatch(/^flows\/sun\/flow\.ts:2:\d+: /)
  })
})
