import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { command } from '../../../infra/plan/command.ts'

let root: string
let out: string
let err: string

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'command-'))
  symlinkSync(join(import.meta.dirname, '../../../node_modules'), join(root, 'node_modules'))
  write('package.json', '{ "type": "module" }')
  write('Pulumi.yaml', 'name: small\nmain: main.ts')
  for (const stack of ['dev', 'prod']) write(`Pulumi.${stack}.yaml`, 'config: {}')
  write(
    'main.ts',
    `import { ComponentResource, RunError } from '@pulumi/pulumi'
     import { RandomId } from '@pulumi/random'
     if (process.env.PULUMI_NODEJS_STACK === 'prod') throw new RunError('Pulumi.prod.yaml: small:size: is missing; add it')
     new RandomId('orphan', { byteLength: 4 }, { parent: new ComponentResource('small:index:Part', 'part') })
     new RandomId('orphan', { byteLength: 4 })`,
  )
})
afterAll(() => rmSync(root, { recursive: true }))
beforeEach(() => {
  out = err = ''
  const keep = (add: (text: string) => void) => (text: unknown) => {
    add(String(text))
    return true
  }
  vi.spyOn(process.stdout, 'write').mockImplementation(keep((text) => (out += text)))
  vi.spyOn(process.stderr, 'write').mockImplementation(keep((text) => (err += text)))
})
afterEach(() => vi.restoreAllMocks())

const write = (name: string, text: string): void => writeFileSync(join(root, name), text)

describe('npm run plan', () => {
  it.each([
    ['', 'say which stack: dev or prod (--help for the options)'],
    ['dev prod', 'say which stack: dev or prod (--help for the options)'],
    ['staging', 'there is no stack "staging": no file Pulumi.staging.yaml\nStacks here: dev, prod.'],
    ['dev --jsn', "Unknown option '--jsn' (--help for the options)"],
    ['dev --json --graph', '--json and --graph are two ways to print one thing; choose one'],
    ['dev --graph --since HEAD', '--since tells what changed, which --graph cannot show; leave one of them out'],
    ['prod', 'Pulumi.prod.yaml: small:size: is missing; add it'],
  ])('%s ends with one line that says what is wrong, and 2', async (args, line) => {
    expect(await command(args.split(' ').filter(Boolean), root)).toBe(2)
    expect(err).toBe(`plan: ${line}\n`)
    expect(out).toBe('')
  })

  it('prints help', async () => {
    expect(await command(['--help'], root)).toBe(0)
    expect(out).toContain('npm run plan -- prod --since HEAD~1')
  })

  it('prints the plan, then what is wrong with it, and ends with 1', async () => {
    expect(await command(['dev'], root)).toBe(1)
    expect(out).toContain('RandomId orphan')
    expect(err).toContain('plan: dev is not in order:\n  RandomId orphan (main.ts:5): has no parent')
  })

  it('prints JSON that other programs can read', async () => {
    await command(['dev', '--json'], root)
    expect(JSON.parse(out)).toMatchObject({
      stack: 'dev',
      project: 'small',
      resources: [{ type: 'pulumi:pulumi:Stack' }, {}, {}, {}],
    })
  })
})
