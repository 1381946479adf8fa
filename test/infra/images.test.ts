import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Plan, PlannedResource } from '../../infra/plan/planned-resource.ts'
import { planProgram } from '../../infra/plan/run.ts'
import { readStack } from '../../infra/plan/stack-file.ts'
import { titleOf } from '../../infra/plan/title.ts'
import { copyProject } from '../e2e/project-copy.ts'
import { type FakeDocker, fakeDocker } from '../fakes/image-tools.ts'

/** What an edit comes to in the cloud: the plan of a copy of the project, before and after. */

// Each plan is a process or two; on a busy machine they take their time.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

const BUNDLE_FILES = ['json', 'mjs', 'mjs.map']

let project: string
let temporary: string
let docker: FakeDocker
let before: Plan
beforeAll(async () => {
  docker = fakeDocker()
  temporary = mkdtempSync(join(tmpdir(), 'millrace-plan-images-'))
  const copy = await copyProject()
  project = copy.folder
  // So that two flows share something, and are planned with it from the beginning.
  write('flows/spell.ts', `export const spell = 'abracadabra'\n`)
  for (const flow of ['hello', 'burn']) append(`flows/${flow}/flow.ts`, `export { spell } from '../spell.ts'\n`)
  before = await planOf(project)
  return copy.remove
})
afterAll(() => {
  docker.remove()
  rmSync(temporary, { recursive: true, force: true })
})

/** Without the origins of unknown values, which take as long again: what the release says hangs on them. */
const planOf = (root: string, origins = false): Promise<Plan> => planProgram(readStack(root, 'dev'), { origins })
const write = (path: string, text: string): void => writeFileSync(join(project, path), text)
const append = (path: string, text: string): void => appendFileSync(join(project, path), text)

/** Does something to files of the project, plans it, and undoes it. */
async function planWith(paths: readonly string[], edit: () => void): Promise<Plan> {
  const texts = paths.map((path) => readFileSync(join(project, path)))
  edit()
  try {
    return await planOf(project)
  } finally {
    for (const [i, path] of paths.entries()) writeFileSync(join(project, path), texts[i] ?? '')
  }
}

/** Titles of what is another, new or gone; digests in names are left out. */
function changes(after: Plan, from = before): string[] {
  const states = ({ resources }: Plan) => new Map(resources.map((each) => [each.urn, each]))
  const [was, is] = [states(from), states(after)]
  const differing = [...new Set([...was.keys(), ...is.keys()])].filter(
    (urn) => look(was.get(urn)) !== look(is.get(urn)),
  )
  const titles = differing.map((urn) => {
    const each = is.get(urn) ?? was.get(urn)
    return each ? titleOf(each).replace(/-[0-9a-f]{12}\./, '-DIGEST.') : urn
  })
  return [...new Set(titles)].sort()
}

const look = (each: PlannedResource | undefined): string | undefined =>
  each && JSON.stringify([each.inputs, each.outputs, each.retainOnDelete])

const ofFlow = (flow: string): string[] => [
  ...BUNDLE_FILES.map((file) => `storage.BucketObject bundle-${flow}-DIGEST.${file}`),
  `FlowDeployment flow-${flow}`,
  `Image flow-${flow}`,
]
const sorted = (...titles: readonly string[]): string[] => [...new Set(titles)].sort()

describe('the plan of the images', () => {
  it('has one for each flow and program, named by what is in it, whose digest is known later', () => {
    const images = before.resources.filter(({ type }) => type.endsWith(':Image'))
    expect(images.map(({ name }) => name).sort()).toEqual(
      ['runtime', 'worker', 'console', 'agent', 'flow-hello', 'flow-burn', 'flow-datacube'].sort(),
    )
    for (const { inputs, name } of images) {
      expect(inputs).toMatchObject({ name, tag: expect.stringMatching(/^release-[0-9a-f]{64}$/) })
    }
    const hello = images.find(({ name }) => name === 'flow-hello')
    const runtime = images.find(({ name }) => name === 'runtime')
    expect(hello?.propertyDependencies.base).toContain(runtime?.urn)
  })

  it('builds nothing, pushes nothing, and assembles nothing', () => {
    expect(docker.calls()).toEqual([])
    expect(existsSync(join(project, 'out'))).toBe(false)
  })

  it('lets no image go with the release that brought it', () => {
    const images = before.resources.filter(({ type }) => type.endsWith(':Image'))
    expect(images.filter(({ retainOnDelete }) => !retainOnDelete)).toEqual([])
  })
})

describe('nothing changes', () => {
  it('by words in docs, modes and times, another umask, another folder', async () => {
    const other = join(temporary, 'elsewhere/project')
    cpSync(project, other, { recursive: true, verbatimSymlinks: true })
    for (const path of globSync('{platform,images,flows}/**', { cwd: other })) {
      const file = join(other, path)
      if (!lstatSync(file).isFile()) continue
      chmodSync(file, 0o600)
      utimesSync(file, 1, 1)
    }
    appendFileSync(join(other, 'docs/architecture.md'), '\n<!-- More words. -->\n')
    const mask = process.umask(0o077)
    try {
      const [here, there] = await Promise.all([planOf(project, true), planOf(other, true)])
      expect(changes(there, here)).toEqual([])
      const release = there.resources.find(({ name, type }) => type.endsWith(':BucketObject') && name === 'release')
      expect(String(release?.inputs.source)).toContain('<flow-hello.digest>')
    } finally {
      process.umask(mask)
    }
  })
})

describe('an edit changes', () => {
  it('of one flow: its bundle, its image, what is deployed of it', async () => {
    const after = await planWith(['flows/datacube/flow.ts'], () =>
      append('flows/datacube/flow.ts', 'export const x = 1\n'),
    )
    expect(changes(after)).toEqual(sorted(...ofFlow('datacube')))
  })

  it('of a module that two flows share: exactly these two', async () => {
    const after = await planWith(['flows/spell.ts'], () => write('flows/spell.ts', `export const spell = 'sesame'\n`))
    expect(changes(after)).toEqual(sorted(...ofFlow('hello'), ...ofFlow('burn')))
  })

  it('of the engine: the runtime and all that stands on it, and no bundle', async () => {
    const after = await planWith(['platform/engine/run/drive.ts'], () =>
      append('platform/engine/run/drive.ts', '\n// A remark.\n'),
    )
    const images = changes(after).filter((title) => title.startsWith('Image '))
    const standOnIt = ['runtime', 'worker', 'flow-hello', 'flow-burn', 'flow-datacube'].map((name) => `Image ${name}`)
    expect(images).toEqual(expect.arrayContaining(standOnIt))
    expect(images).not.toContain('Image console')
    expect(changes(after).filter((title) => !title.startsWith('Image '))).toEqual([])
  })
})

describe('a flow', () => {
  const STACK = 'Pulumi.dev.yaml'
  const inStack = (change: (text: string) => string) => () =>
    write(STACK, change(readFileSync(join(project, STACK), 'utf8')))

  it('that is new brings its own, and touches no other', async () => {
    const after = await planWith([STACK], () => {
      mkdirSync(join(project, 'flows/tides'))
      const text = readFileSync(join(project, 'flows/hello/flow.ts'), 'utf8')
      write('flows/tides/flow.ts', text.replace("name: 'hello'", "name: 'tides'"))
      inStack((stack) => stack.replace('    hello: {}\n', '    hello: {}\n    tides: {}\n'))()
    })
    rmSync(join(project, 'flows/tides'), { recursive: true })
    const found = changes(after)
    expect(found).toEqual(expect.arrayContaining(ofFlow('tides')))
    expect(found.filter((title) => !title.includes('tides'))).toEqual([])
  })

  it('that is removed takes its deployment along; its image and its bundle stay where they are', async () => {
    const after = await planWith(
      [STACK],
      inStack((stack) => stack.replace('    hello: {}\n', '')),
    )
    const found = changes(after)
    expect(found).toEqual(expect.arrayContaining(ofFlow('hello')))
    expect(found.filter((title) => !title.includes('hello'))).toEqual([])
    const gone = before.resources.filter(({ urn }) => !after.resources.some((each) => each.urn === urn))
    const kept = gone
      .filter(({ retainOnDelete }) => retainOnDelete)
      .map(({ name }) => name.replace(/-[0-9a-f]{12}\./, '-DIGEST.'))
    expect(kept.sort()).toEqual(sorted('flow-hello', ...BUNDLE_FILES.map((file) => `bundle-hello-DIGEST.${file}`)))
  })
})

it('an image that is held is named by its digest, and not built', async () => {
  const digest = `sha256:${'a'.repeat(64)}`
  const stack = readStack(project, 'dev')
  const config = { ...stack.config, 'millrace:images': JSON.stringify({ console: digest }) }
  const after = await planProgram({ ...stack, config })
  const service = after.resources.find(({ type, name }) => type.endsWith(':Service') && name === 'console')
  expect(JSON.stringify(service?.inputs)).toContain(`/millrace/console@${digest}`)
  expect(after.resources.some(({ type, name }) => type.endsWith(':Image') && name === 'console')).toBe(false)
})
