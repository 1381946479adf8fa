import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readStack } from '../../../infra/plan/stack-file.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stack-file-'))
  write('Pulumi.yaml', 'name: millrace\nmain: infra/')
})
afterEach(() => rmSync(root, { recursive: true }))

const write = (name: string, text: string): void => writeFileSync(join(root, name), text)
const stack = (text: string) => {
  write('Pulumi.dev.yaml', text)
  return readStack(root, 'dev')
}

it('hands values on as texts, the way they are written', () => {
  const { config, secretKeys, project, main } = stack(`config:
  gcp:project: p
  millrace:version: 1.10
  millrace:protect: true
  millrace:quoted: "007"
  millrace:empty:
`)
  expect({ project, main }).toEqual({ project: 'millrace', main: 'infra/' })
  expect(config).toEqual({
    'gcp:project': 'p',
    'millrace:version': '1.10',
    'millrace:protect': 'true',
    'millrace:quoted': '007',
    'millrace:empty': '',
  })
  expect(secretKeys).toEqual([])
})

it('hands lists and objects on as JSON', () => {
  const { config } = stack(`config:
  millrace:agents: &agents { cloud: { replicas: 2, labels: [a, b] } }
  millrace:same: *agents
`)
  expect(JSON.parse(config['millrace:agents'] ?? '')).toEqual({ cloud: { replicas: 2, labels: ['a', 'b'] } })
  expect(config['millrace:same']).toBe(config['millrace:agents'])
})

it('puts a text of its own in place of each encrypted value, and makes the whole key secret', () => {
  const { config, secretKeys, secretTexts } = stack(`config:
  millrace:token: { secure: v1:abc }
  millrace:values: { smtp: { "1": { secure: v1:def }, "2": plain } }
  millrace:open: { a: 1 }
`)
  expect(secretKeys).toEqual(['millrace:token', 'millrace:values'])
  expect(config['millrace:token']).toBe('(secret millrace:token)')
  expect(JSON.parse(config['millrace:values'] ?? '')).toEqual({
    smtp: { 1: '(secret millrace:values.smtp.1)', 2: 'plain' },
  })
  expect(secretTexts).toEqual(['(secret millrace:token)', '(secret millrace:values.smtp.1)'])
})

it('takes the defaults of the project, unless the stack says otherwise', () => {
  write(
    'Pulumi.yaml',
    'name: millrace\nconfig:\n  a: 1\n  b: { type: integer, default: 2 }\n  gcp:region: r\n  c: { type: string }',
  )
  expect(stack('config:\n  millrace:b: 3').config).toEqual({
    'millrace:a': '1',
    'millrace:b': '3',
    'gcp:region': 'r',
  })
})

it('reads Pulumi.STACK.yml as well, and takes no sides where there are both', () => {
  write('Pulumi.dev.yml', 'config:\n  gcp:project: short')
  expect(readStack(root, 'dev').config).toEqual({ 'gcp:project': 'short' })
  write('Pulumi.dev.yaml', 'config:\n  gcp:project: long')
  expect(() => readStack(root, 'dev')).toThrow(
    'the stack "dev" has two files, Pulumi.dev.yaml and Pulumi.dev.yml; keep one of them',
  )
})

it('leaves out tags, which are for the CLI alone', () => {
  expect(stack('config:\n  pulumi:tags: { value: { a: b } }').config).toEqual({})
})

it('says in one line what is wrong', () => {
  expect(() => readStack(root, 'prod')).toThrow(
    `there is no stack "prod": no file Pulumi.prod.yaml\nThere is none in ${root}.`,
  )
  write('Pulumi.dev.yaml', 'config: {}')
  write('Pulumi.prod.yaml', 'config: {}')
  expect(() => readStack(root, 'staging')).toThrow(
    'there is no stack "staging": no file Pulumi.staging.yaml\nStacks here: dev, prod.',
  )
  expect(() => readStack(root, '../dev')).toThrow('there is no stack "../dev"')
  expect(() => stack('config:\n  region: r')).toThrow(
    'Pulumi.dev.yaml: config.region: expected NAMESPACE:KEY, for instance millrace:region',
  )
  expect(() => stack('config: [')).toThrow(/^Pulumi\.dev\.yaml: [^\n]+$/)
  expect(() => stack('config: text')).toThrow('Pulumi.dev.yaml: config: expected keys with values')
})
