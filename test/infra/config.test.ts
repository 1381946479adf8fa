import type { FlowManifest } from '@millrace/release'
import { UserError } from '@millrace/sdk'
import { describe, expect, it } from 'vitest'
import { parseConfig, type RawConfig } from '../../infra/config.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`
const LEAST: RawConfig = { project: { number: '100000000001' } }
const AGENT = { agents: { runs: { launcher: 'cloud-run' } } }
const KEDA = { version: '2.18.1', operator: DIGEST, metricsServer: DIGEST }

const tides: FlowManifest = {
  name: 'tides',
  description: 'Predicts tides',
  owner: 'hydrology',
  contact: 'hydrology@example.org',
  sources: [],
  sinks: [],
  params: {},
  runOn: {},
  workers: { count: 0 },
  labels: ['etl'],
  queue: 'default',
  secrets: ['gauge-token'],
}

const parse = (more: RawConfig, manifests: readonly FlowManifest[] = [tides]) =>
  parseConfig('dev', { ...LEAST, ...more }, { names: manifests.map(({ name }) => name), manifests })

/** All lines of the error: the first, and those of its hint. */
function linesOf(more: RawConfig, manifests?: readonly FlowManifest[]): string[] {
  try {
    parse(more, manifests)
  } catch (error) {
    if (error instanceof UserError) return [error.message, ...(error.hint?.split('\n') ?? [])]
    throw error
  }
  throw new Error('nothing was wrong with it')
}

describe('the stack config', () => {
  it('is complete with next to nothing said', () => {
    const config = parse({})
    expect(config).toMatchObject({
      protect: true,
      schedules: false,
      database: { tier: 'db-custom-1-3840', backups: 7, pointInTime: 7 * 86_400, disk: 10 * 2 ** 30 },
      registry: { keep: 20, deleteAfter: 30 * 86_400 },
      agents: {},
      images: {},
    })
    expect(config.cluster).toBeUndefined()
  })

  it('reads units as people write them', () => {
    const config = parse({
      ...AGENT,
      workerClusters: { std: { on: 'cloud-run', memory: '1.5 GiB', drain: '2 minutes' } },
      budget: { billingAccount: '000000-000000-000000', amount: '250 EUR' },
    })
    expect(config.workerClusters.std).toMatchObject({ memory: 1.5 * 2 ** 30, drain: 120 })
    expect(config.budget?.amount).toEqual({ units: '250', currency: 'EUR' })
  })

  it.each<[what: string, more: RawConfig, line: RegExp]>([
    ['an unknown key', { agnets: {} }, /Pulumi\.dev\.yaml: .*agnets/],
    ['an unknown key inside', { database: { teir: 'db-f1-micro' } }, /millrace:database.*teir/],
    ['a wrong unit', { buckets: { resultsFor: '90 dyas' } }, /millrace:buckets\.resultsFor: .*"30 days".*"90 dyas"/],
    ['a number without a unit', { database: { disk: '50' } }, /millrace:database\.disk: .*"4 GiB".*"50"/],
    ['half a day', { registry: { deleteAfter: '36 hours' } }, /millrace:registry\.deleteAfter: .*whole days/],
    [
      'an unknown launcher',
      { agents: { a: { launcher: 'vertx' } } },
      /millrace:agents\.a\.launcher: .*"vertex".*"vertx"/,
    ],
    [
      'an agent that names no launcher',
      { agents: { a: {} } },
      /millrace:agents\.a\.launcher: is required.*"cloud-run"/,
    ],
    ['a project without its number', { project: {} }, /millrace:project\.number: is required/],
    [
      'a repository by name alone',
      { github: { repository: 'a/b', environment: 'dev' } },
      /millrace:github\.repositoryId: is required/,
    ],
    ['an image that others stand on', { images: { runtime: DIGEST } }, /Pulumi\.dev\.yaml: .*runtime/],
    ['a tag in place of a digest', { images: { agent: 'latest' } }, /millrace:images\.agent: .*sha256.*"latest"/],
    [
      'money without a currency',
      { budget: { billingAccount: '000000-000000-000000', amount: '250' } },
      /millrace:budget\.amount: .*"500 EUR".*"250"/,
    ],
  ])('says of %s which key it is and what should stand there', (_what, more, line) => {
    expect(linesOf(more)[0]).toMatch(line)
  })

  it.each<[what: string, more: RawConfig, line: RegExp]>([
    [
      'a mail server whose secret the agent does not read',
      {
        agents: {
          a: { launcher: 'cloud-run', smtp: 'smtps://mailer:secret://smtp@mail.example.org?from=a@example.org' },
        },
      },
      /millrace:agents\.a\.smtp: refers to secret:\/\/smtp; add "smtp" to its secrets/,
    ],
    [
      'an unknown secret of an agent',
      { agents: { a: { launcher: 'cloud-run', secrets: ['x'] } } },
      /millrace:agents\.a\.secrets: there is no secret "x"; millrace:secrets has none/,
    ],
    [
      'the password of a mail server in plain',
      { agents: { a: { launcher: 'cloud-run', smtp: 'smtps://mailer:hunter2@mail.example.org?from=a@example.org' } } },
      /millrace:agents\.a\.smtp: must be the address of a mail server, its password a secret(?!.*hunter2)/,
    ],
    [
      'kubernetes without a cluster',
      { agents: { a: { launcher: 'kubernetes' } } },
      /millrace:agents\.a\.launcher: kubernetes needs a cluster; add millrace:cluster/,
    ],
    [
      'an unknown flow',
      { ...AGENT, flows: { tidse: {} } },
      /millrace:flows\.tidse: there is no flow "tidse"; flows\/ has tides/,
    ],
    [
      'a flow whose secret is not there',
      { agents: { a: { launcher: 'cloud-run', labels: ['etl'] } }, flows: { tides: {} } },
      /millrace:flows\.tides .*there is no secret "gauge-token"/,
    ],
    [
      'an unknown worker cluster',
      withSecret({ flows: { tides: { cluster: 'big' } } }),
      /millrace:flows\.tides\.cluster: there is no worker cluster "big"; millrace:workerClusters has none/,
    ],
    [
      'a flow that nobody launches',
      withSecret({ flows: { tides: { launcher: 'vertex' } } }),
      /millrace:flows\.tides\.launcher: no agent launches by vertex; millrace:agents has cloud-run/,
    ],
    [
      'labels that no agent has',
      withSecret({ agents: { a: { launcher: 'cloud-run' } }, flows: { tides: {} } }),
      /millrace:flows\.tides\.labels: no agent .* has all of etl/,
    ],
    [
      'an unknown node pool',
      {
        agents: { a: { launcher: 'kubernetes' } },
        cluster: { keda: KEDA, nodePools: { small: { machine: 'e2-standard-4' } } },
        workerClusters: { w: { on: 'kubernetes', nodePool: 'big' } },
      },
      /millrace:workerClusters\.w\.nodePool: there is no node pool "big"; millrace:cluster\.nodePools has small/,
    ],
    [
      'workers that nobody scales',
      { workerClusters: { w: { on: 'cloud-run' } } },
      /millrace:workerClusters\.w\.on: .*agent with the launcher cloud-run/,
    ],
    [
      'fewer at most than at least',
      { ...AGENT, workerClusters: { w: { on: 'cloud-run', min: 5, max: 2 } } },
      /millrace:workerClusters\.w\.min: must not be more than max, 2/,
    ],
    [
      'a value that is missing',
      { secrets: { mail: { source: 'config', version: 2, keep: 0 } } },
      /millrace:secrets\.mail: version 2 has no value; .*pulumi config set --secret/,
    ],
  ])('says of %s what does not fit, and the fix', (_what, more, line) => {
    expect(linesOf(more)[0]).toMatch(line)
  })

  it('tells all that is wrong, one line each', () => {
    const lines = linesOf({ database: { backups: 0, tier: 'large' }, agents: { a: { launcher: 'x' } } })
    expect(lines).toHaveLength(3)
  })

  it('never shows the value of a secret', () => {
    const lines = linesOf({ secrets: {}, secretValues: { mail: { '1': 'hunter2-hunter2' } } })
    expect(lines.join('\n')).toMatch(/secretValues\.mail/)
    expect(lines.join('\n')).not.toContain('hunter2')
  })
})

function withSecret(more: RawConfig): RawConfig {
  return {
    secrets: { 'gauge-token': { source: 'external' } },
    agents: { a: { launcher: 'cloud-run', labels: ['etl'] } },
    ...more,
  }
}
