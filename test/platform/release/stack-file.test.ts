import { afterEach, expect, it } from 'vitest'
import { findStackFile, readStackFile, stackNames } from '../../../platform/release/index.ts'
import { mistakeOf } from '../sdk/failure.ts'
import { makeProject } from './project.ts'

let remove = (): void => {}
afterEach(() => remove())

function project(files: Readonly<Record<string, string>>): string {
  const made = makeProject(files)
  remove = made.remove
  return made.root
}

it('the stacks of a project are those that have a file', () => {
  const root = project({ 'Pulumi.yaml': '', 'Pulumi.prod.yaml': '', 'Pulumi.dev.yaml': '', 'Pulumi.my-own.yml': '' })
  expect(stackNames(root)).toEqual(['dev', 'my-own', 'prod'])
  expect(findStackFile(root, 'my-own').name).toBe('Pulumi.my-own.yml')
})

it('a stack with two files is refused, whichever they are', async () => {
  const root = project({ 'Pulumi.dev.yaml': '', 'Pulumi.dev.yml': '' })
  expect(await mistakeOf(() => findStackFile(root, 'dev'))).toBe(
    'the stack "dev" has two files, Pulumi.dev.yaml and Pulumi.dev.yml; keep one of them',
  )
  expect(stackNames(root)).toEqual(['dev'])
})

it('the config of a stack is what is said to this project', () => {
  const text = `
encryptionsalt: v1:abc
config:
  gcp:project: example
  millrace:secrets:
    db: { source: config }
  millrace:secretValues: { db: { 1: { secure: v1:xyz } } }
  millrace:protect: false
`
  const file = readStackFile(project({ 'Pulumi.dev.yaml': text }), 'dev')
  expect(file).toMatchObject({ stack: 'dev', name: 'Pulumi.dev.yaml', text })
  expect(file.config).toEqual({
    secrets: { db: { source: 'config' } },
    secretValues: { db: { '1': { secure: 'v1:xyz' } } },
    protect: false,
  })
})

it.each(['', '# nothing yet\n', 'config:\n', 'secretsprovider: passphrase\n'])(
  'a stack may say nothing: %j',
  (text) => {
    expect(readStackFile(project({ 'Pulumi.dev.yaml': text }), 'dev').config).toEqual({})
  },
)

it('an unknown stack is refused, and those there are are named', async () => {
  const root = project({ 'Pulumi.dev.yaml': '', 'Pulumi.prod.yaml': '' })
  expect(await mistakeOf(() => readStackFile(root, 'prd'))).toBe(
    'there is no stack "prd": no file Pulumi.prd.yaml; did you mean "prod"?\nStacks here: dev, prod.',
  )
  expect(await mistakeOf(() => readStackFile(root, '../dev'))).toContain('there is no stack "../dev"')
})

it.each<[what: string, text: string, mistake: string]>([
  ['a bracket too few', 'config:\n  a: { hunter2\n  b: 1\n', 'Pulumi.dev.yaml: line 3: this is not YAML (bad indent)'],
  ['a key twice', 'config:\n  a: hunter2\n  a: hunter2\n', 'Pulumi.dev.yaml: line 3: this is not YAML (duplicate key)'],
  ['an unknown alias', 'config:\n  a: *hunter2\n', 'Pulumi.dev.yaml: an alias (*name) in it cannot be resolved'],
  ['a list for the config', 'config: [hunter2]\n', 'Pulumi.dev.yaml: config: expected keys such as millrace:secrets'],
])('a file with %s is refused by line, and none of it is shown', async (_what, text, mistake) => {
  const found = await mistakeOf(() => readStackFile(project({ 'Pulumi.dev.yaml': text }), 'dev'))
  expect(found).toContain(mistake)
  expect(found).not.toContain('hunter2')
})
