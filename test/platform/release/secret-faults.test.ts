import { describe, expect, it } from 'vitest'
import {
  type FlowManifest,
  keptVersions,
  manifestOf,
  type SecretFault,
  secretFaults,
  secretsConfig,
  secretUses,
  secretValueFaults,
  secretValues,
} from '../../../platform/release/index.ts'
import { flow } from '../../../platform/sdk/index.ts'

function manifest(name: string, secrets: string[]): FlowManifest {
  const made = flow({ name, description: 'd', owner: 'o', contact: 'c', sources: [], sinks: [], secrets }, () => 1)
  return manifestOf(made as ReturnType<typeof flow>)
}

const encrypted = { secure: 'v1:abc' }
const GOOD = {
  secrets: {
    hook: { source: 'random' },
    smtp: { source: 'config', version: 2 },
    token: { source: 'external', version: 5 },
    map: { source: 'random', version: 3, keep: 0 },
  },
  secretValues: { smtp: { 1: encrypted, 2: encrypted } },
  agents: { 'cloud-run': { launcher: 'cloud-run', secrets: ['hook'] } },
  workerClusters: { big: { secrets: ['token'] } },
  console: { secrets: ['map'] },
  flows: { pay: {} },
}
const MANIFESTS = [manifest('pay', ['smtp']), manifest('elsewhere', ['unheard-of'])]

function faults(config: Record<string, unknown>, manifests = MANIFESTS): readonly SecretFault[] {
  const file = { stack: 'dev', name: 'Pulumi.dev.yaml', path: '', text: '', config: { ...GOOD, ...config } }
  return secretFaults(file, manifests)
}
const set = (name: string, version: number): string =>
  `pulumi config set --secret --path 'millrace:secretValues["${name}"]["${version}"]' --stack dev`

describe('the secrets of a stack', () => {
  it('are in order when each is declared, has its values, and is used', () => {
    expect(faults({})).toEqual([])
  })

  it('are used by the flows that the stack deploys, and by what its config gives secrets', () => {
    expect(secretUses(GOOD, MANIFESTS).map(({ secret, user }) => `${secret}: ${user}`)).toEqual([
      'smtp: pay',
      'hook: agents.cloud-run',
      'token: workerClusters.big',
      'map: console',
    ])
  })

  it.each<[what: string, config: Record<string, unknown>, message: string]>([
    [
      'a flow names one that is not declared',
      { flows: { pay: {}, elsewhere: {} } },
      'flows/elsewhere/flow.ts: there is no secret "unheard-of" in millrace:secrets of Pulumi.dev.yaml',
    ],
    [
      'a part of the stack names one that is not declared',
      { agents: { 'cloud-run': { secrets: ['hook', 'hooc'] } } },
      'millrace:agents.cloud-run.secrets: there is no secret "hooc" in millrace:secrets of Pulumi.dev.yaml; did you mean "hook"?',
    ],
    [
      'the current version has no value',
      { secretValues: { smtp: { 1: encrypted } } },
      `version 2 has no value; set it with ${set('smtp', 2)}`,
    ],
    [
      'a version that is kept has no value',
      { secretValues: { smtp: { 2: encrypted } } },
      `version 1, which "keep: 1" keeps, has no value; set it with ${set('smtp', 1)}, or lower keep`,
    ],
    [
      'a value belongs to no secret',
      { secretValues: { ...GOOD.secretValues, gone: { 1: encrypted } } },
      'millrace:secretValues.gone: there is no secret gone in millrace:secrets; remove the value',
    ],
    [
      'a value belongs to a secret that has another source',
      { secretValues: { ...GOOD.secretValues, hook: { 1: encrypted } } },
      'millrace:secretValues.hook: the source of hook is random; remove the value',
    ],
    [
      'a version is no number',
      { secretValues: { smtp: { 1: encrypted, 2: encrypted, two: encrypted } } },
      'millrace:secretValues.smtp.two: a version is a whole number from 1',
    ],
    [
      'a source is unknown',
      { secrets: { ...GOOD.secrets, hook: { source: 'chance' } } },
      'millrace:secrets.hook.source: expected one of "config", "random", "external", got "chance"',
    ],
    [
      'a name is no name of a secret',
      { secrets: { ...GOOD.secrets, hook: undefined, Hook: { source: 'random' } } },
      "millrace:secrets.Hook: the name is wrong: a secret's name starts with a letter",
    ],
    [
      'a setting is unknown',
      { secrets: { ...GOOD.secrets, hook: { source: 'config', length: 8 } } },
      'millrace:secrets.hook.length: there is no such key (known: source, version, keep, description)',
    ],
  ])('are not in order when %s', (_what, config, message) => {
    const errors = faults(config).filter(({ level }) => level === 'error')
    expect(errors.map((fault) => fault.message)).toContainEqual(expect.stringContaining(message))
  })

  it.each<[what: string, values: unknown, message: string]>([
    ['one value', { smtp: { 1: encrypted, 2: 'hunter2' } }, 'millrace:secretValues.smtp.2: is not encrypted'],
    [
      'a value beside an encrypted one',
      { smtp: { 1: encrypted, 2: { ...encrypted, was: 'hunter2' } } },
      'smtp.2: is not encrypted',
    ],
    ['a number', { smtp: { 1: encrypted, 2: 42424242 } }, 'millrace:secretValues.smtp.2: is not encrypted'],
    ['a value without a version', { smtp: 'hunter2' }, 'millrace:secretValues.smtp: expected versions'],
    ['an encrypted value without a version', { smtp: encrypted }, 'millrace:secretValues.smtp: expected versions'],
    ['all values', 'hunter2', 'millrace:secretValues: expected names'],
    ['all values as one encrypted text', encrypted, 'millrace:secretValues: expected names'],
  ])('may not be kept in another way, and are not shown: %s', (_what, values, message) => {
    const found = faults({ secretValues: values })
    expect(found).toEqual([{ level: 'error', message: expect.stringContaining(message) }])
    expect(JSON.stringify(found)).not.toMatch(/hunter2|42424242|v1:abc/)
  })

  it('that are declared wrongly are one fault, and not also the cause of others', () => {
    expect(faults({ secrets: { ...GOOD.secrets, smtp: { source: 'confg', version: 2 } } })).toHaveLength(1)
  })

  it.each<[what: string, config: Record<string, unknown>, message: string]>([
    ['one that nothing uses', { console: {} }, 'millrace:secrets.map: nothing in this stack uses it'],
    [
      'the value of a version that is no longer kept',
      { secrets: { ...GOOD.secrets, smtp: { source: 'config', version: 2, keep: 0 } } },
      'millrace:secretValues.smtp.1: versions before 2 are not kept; remove the value',
    ],
    [
      'the value of a version that is not yet in use',
      { secretValues: { smtp: { 1: encrypted, 2: encrypted, 3: encrypted } } },
      'millrace:secretValues.smtp.3: the version is 2; to use this one: millrace secrets rotate smtp --stack dev',
    ],
  ])('get a warning for %s', (_what, config, message) => {
    expect(faults(config)).toEqual([{ level: 'warning', message }])
  })
})

describe('the config of secrets', () => {
  it('has defaults', () => {
    expect(secretsConfig.parse({ a: { source: 'random' }, b: { source: 'external' } })).toEqual({
      a: { source: 'random', version: 1, keep: 1, length: 32 },
      b: { source: 'external', version: 1, keep: 1 },
    })
  })

  it.each([
    ['a version of 0', { a: { source: 'random', version: 0 } }],
    ['half a version', { a: { source: 'random', version: 1.5 } }],
    ['fewer than none kept', { a: { source: 'random', keep: -1 } }],
    ['a name that begins with a number', { '1a': { source: 'random' } }],
    ['a name of 61 letters', { ['a'.repeat(61)]: { source: 'random' } }],
  ])('refuses %s', (_what, config) => {
    expect(secretsConfig.safeParse(config).success).toBe(false)
  })

  it.each<[version: number, keep: number, kept: number[]]>([
    [1, 1, []],
    [3, 0, []],
    [3, 1, [2]],
    [3, 5, [2, 1]],
  ])('keeps, at version %i with "keep: %i", the versions %j', (version, keep, kept) => {
    expect(keptVersions({ source: 'config', version, keep })).toEqual(kept)
    expect(keptVersions({ source: 'external', version, keep })).toEqual([])
  })

  it('takes decrypted values by name and version, and misses those that are needed', () => {
    const secrets = secretsConfig.parse({ smtp: { source: 'config', version: 2 } })
    const values = secretValues.parse({ smtp: { 1: 'old', 2: 'new' } })
    expect(secretValueFaults(secrets, values, 'dev')).toEqual([])
    expect(secretValueFaults(secrets, { smtp: { 1: 'old' } }, 'prod')).toEqual([
      `millrace:secrets.smtp: version 2 has no value; set it with ${set('smtp', 2).replace('dev', 'prod')}`,
    ])
    expect(secretValues.safeParse({ smtp: { 0: 'x' } }).success).toBe(false)
    expect(secretValues.safeParse({ smtp: { 1: '' } }).success).toBe(false)
  })
})
