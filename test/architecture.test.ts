import { globSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { importsOf, type OurPackage, violations } from './architecture.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PARTS = '{platform,flows,images,infra}'
const exclude = (path: string): boolean => /(^|\/)(node_modules|out|\.millrace)(\/|$)/.test(path)
const find = (pattern: string): string[] => globSync(pattern, { cwd: ROOT, exclude }).toSorted()
const read = (path: string): string => readFileSync(`${ROOT}/${path}`, 'utf8')

it('the house keeps its rules', () => {
  const files = find(`${PARTS}/**/*.ts`).map((path) => ({ path, source: read(path) }))
  const packages = find(`${PARTS}/**/package.json`)
    .map((path): OurPackage => ({ folder: dirname(path), ...(JSON.parse(read(path)) as { name: string }) }))
    .filter(({ name }) => name !== undefined)
  expect(files.map(({ path }) => path)).toContain('platform/sdk/index.ts')
  expect(packages.map(({ name }) => name)).toContain('@millrace/sdk')
  expect(violations(files, packages)).toEqual([])
})

describe('the rules of the house', () => {
  const packages: OurPackage[] = [
    { folder: 'platform/sdk', name: '@millrace/sdk', dependencies: { zod: '4' }, devDependencies: { '@types/x': '1' } },
    { folder: 'platform/engine', name: '@millrace/engine', dependencies: { '@millrace/sdk': '1' } },
    { folder: 'platform/cli', name: '@millrace/cli', dependencies: { '@millrace/engine': '1', '@millrace/sdk': '1' } },
    { folder: 'platform/release', name: '@millrace/release', dependencies: { '@millrace/engine': '1' } },
    { folder: 'flows', name: '@millrace/flows', dependencies: { '@millrace/sdk': '1', '@millrace/engine': '1' } },
    {
      folder: 'infra',
      name: '@millrace/infra',
      dependencies: { '@millrace/release': '1', '@millrace/sdk': '1', '@pulumi/gcp': '9' },
    },
  ]
  const check = (...files: [path: string, source: string][]): string[] =>
    violations(
      files.map(([path, source]) => ({ path, source })),
      packages,
    )

  it.each([
    ['platform/engine/run.ts', `import { task } from '@millrace/sdk'`],
    ['platform/cli/main.ts', `import { run } from '@millrace/engine/embedded'; import { task } from '@millrace/sdk'`],
    ['platform/sdk/flow.ts', `import { z } from 'zod'; import { readFile } from 'node:fs/promises'; import './a/b.ts'`],
    ['platform/sdk/a/b.ts', `import { flow } from '../flow.ts'; import { task } from '@millrace/sdk'`],
    ['platform/sdk/x.ts', `import type { X } from 'x'; import { type Y } from 'x'`],
    ['flows/hello/flow.ts', `import { task } from '@millrace/sdk'; import { greet } from './greet.ts'`],
    ['infra/main.ts', `import { bundle } from '@millrace/release'; import * as gcp from '@pulumi/gcp'`],
    ['infra/config.ts', `import { bytes } from '@millrace/sdk'`],
    ['images/worker/main.ts', `import { work } from '../../platform/engine/index.ts'`],
    ['platform/engine/text.ts', `const text = "import { x } from '@millrace/cli'" // import('@millrace/cli')`],
  ])('allow %s', (path, source) => {
    expect(check([path, source])).toEqual([])
  })

  it.each([
    ['platform/sdk/flow.ts', `import { run } from '@millrace/engine'`, 'sdk may import nothing of ours, not engine'],
    ['platform/sdk/flow.ts', `export * from '../engine/index.ts'`, 'sdk may import nothing of ours, not engine'],
    ['platform/sdk/flow.ts', `const x = await import('@millrace/cli')`, 'sdk may import nothing of ours, not cli'],
    ['platform/sdk/flow.ts', `type X = import('@millrace/cli').X`, 'sdk may import nothing of ours, not cli'],
    ['platform/engine/run.ts', `import type { X } from '@millrace/cli'`, 'engine may import sdk, not cli'],
    ['platform/engine/a/run.ts', `import '../../cli/x.ts'`, 'engine may import sdk, not cli'],
    ['platform/release/a.ts', `import '@millrace/engine'`, 'release may import sdk, not engine'],
    ['flows/hello/flow.ts', `import '@millrace/engine'`, 'flows may import sdk, not engine'],
    ['flows/hello/flow.ts', `import '../../platform/engine/index.ts'`, 'flows may import sdk, not engine'],
    ['infra/main.ts', `import '@millrace/engine'`, 'infra may import release, sdk, not engine'],
    ['platform/cli/main.ts', `import root from '../../package.json'`, 'that is outside of the packages'],
    ['platform/sdk/flow.ts', `import pg from 'pg'`, 'platform/sdk/package.json does not declare pg'],
    ['platform/sdk/flow.ts', `import '@scope/a/b'`, 'platform/sdk/package.json does not declare @scope/a'],
    ['platform/sdk/flow.ts', `import { type X, y } from 'x'`, 'platform/sdk/package.json does not declare x'],
    [
      'platform/cli/main.ts',
      `import '../release/index.ts'`,
      'platform/cli/package.json does not declare @millrace/release',
    ],
    ['flows/hello/flow.ts', `import fs from 'fs'`, 'flows/package.json does not declare fs'],
  ])('refuse in %s: %s', (path, source, expected) => {
    const [first, ...more] = check([path, source])
    expect(first).toMatch(`${path} imports `)
    expect(first?.endsWith(expected)).toBe(true)
    expect(more).toEqual([])
  })

  it('let a flow use a folder that flows share, but not the folder of another flow', () => {
    const found = check(
      ['flows/hello/flow.ts', `import '../burn/heat.ts'; import '../tiles/tile.ts'`],
      ['flows/burn/flow.ts', ''],
      ['flows/burn/heat.ts', ''],
      ['flows/tiles/tile.ts', ''],
    )
    expect(found).toEqual([`flows/hello/flow.ts imports ../burn/heat.ts: that is another flow's folder`])
  })

  it.each(['platform/sdk/utils.ts', 'flows/hello/task-helpers.ts', 'platform/engine/common/a.ts', 'infra/Manager.ts'])(
    'refuse the name %s',
    (path) => {
      expect(check([path, ''])).toHaveLength(1)
    },
  )

  it('take a development dependency for types only', () => {
    const own = packages.map((each) => ({ ...each, devDependencies: { pg: '8' } }))
    const at = (source: string): string[] => violations([{ path: 'platform/sdk/a.ts', source }], own)
    expect(at(`import type { Client } from 'pg'`)).toEqual([])
    expect(at(`import { Client } from 'pg'`)).toEqual([
      'platform/sdk/a.ts imports pg: platform/sdk/package.json does not declare pg (a devDependency is there for types only)',
    ])
  })
})

it('finds every way to import', () => {
  const source = `
    import a from 'a'
    import 'b'
    import type { C } from 'c'
    import { type D } from 'd'
    import { type E, e } from 'e'
    export { f } from 'f'
    export type { G } from 'g'
    type H = import('h').H
    const i = () => import('i')
    const j = import(name)`
  expect(importsOf({ path: 'x.ts', source }).map(({ specifier, isType }) => [specifier, isType])).toEqual([
    ['a', false],
    ['b', false],
    ['c', true],
    ['d', true],
    ['e', false],
    ['f', false],
    ['g', true],
    ['h', true],
    ['i', false],
  ])
})
