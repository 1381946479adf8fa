import type { FlowManifest } from '@millrace/release'
import { UserError } from '@millrace/sdk'
import { describe, expect, it } from 'vitest'
import type { RawConfig } from '../../../infra/config.ts'
import { parseLocalConfig } from '../../../infra/local/config.ts'

const tides: FlowManifest = {
  name: 'tides',
  description: 'Predicts tides',
  owner: 'hydrology',
  contact: 'hydrology@example.org',
  sources: [],
  sinks: [],
  params: {},
  runOn: { launcher: 'vertex' },
  workers: { count: 0 },
  labels: [],
  queue: 'default',
  secrets: [],
}

const parse = (more: RawConfig, manifests: readonly FlowManifest[] = [tides]) =>
  parseLocalConfig('local', { on: 'docker', ...more }, { names: manifests.map(({ name }) => name), manifests })

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

describe('the config of a stack of containers', () => {
  it('is complete with next to nothing said', () => {
    const config = parse({})
    expect(config).toMatchObject({
      protect: true,
      schedules: false,
      database: { memory: 2 ** 30, connections: 100 },
      agent: { labels: [], memory: 512 * 2 ** 20, socket: '/var/run/docker.sock' },
      console: { port: 8080 },
      workerClusters: {},
      flows: {},
    })
    expect(config.database.image).toMatch(/^postgres@sha256:[0-9a-f]{64}$/)
    expect(config.database.port).toBeUndefined()
    expect(config.folder).toBeUndefined()
  })

  it('takes a flow wherever the flow itself would run', () => {
    expect(parse({ flows: { tides: {} } }).flows).toEqual({ tides: { params: {} } })
  })

  it.each<[what: string, more: RawConfig, line: string]>([
    [
      'an unknown key',
      { datbase: {} },
      'Pulumi.local.yaml: millrace:datbase: there is no such key; did you mean "database"? (known: on, protect, schedules, base, processor, folder, database, agent, workerClusters, console, flows)',
    ],
    [
      'a unit that is none',
      { agent: { memory: '1 GB of it' } },
      'Pulumi.local.yaml: millrace:agent.memory: must be an amount such as "4 GiB", got "1 GB of it"',
    ],
    [
      'an image of the database that may be another tomorrow',
      { database: { image: 'postgres:17' } },
      'Pulumi.local.yaml: millrace:database.image: must be an image by its digest: NAME@sha256:… with 64 digits 0-9 and a-f, got "postgres:17"',
    ],
    [
      'a base that may be',
      { base: 'debian:13' },
      'Pulumi.local.yaml: millrace:base: must be an image by its digest, NAME@sha256:…, or millrace/base:… as images/base/make-base.sh names it, got "debian:13"',
    ],
    [
      'an engine without encryption',
      { agent: { engine: { host: 'tcp://build.example.org', certificates: '/c' } } },
      'Pulumi.local.yaml: millrace:agent.engine.host: must be tcp://HOST:PORT, got "tcp://build.example.org"',
    ],
    [
      'a folder that is of somewhere',
      { folder: 'data' },
      'Pulumi.local.yaml: millrace:folder: must be an absolute path without ":" and ",", got "data"',
    ],
    [
      'one port twice',
      { database: { port: 8080 } },
      "Pulumi.local.yaml: millrace:database.port: 8080 is the console's; choose another",
    ],
    [
      'a flow that is not there',
      { flows: { tide: {} } },
      'Pulumi.local.yaml: millrace:flows.tide: there is no flow "tide"; flows/ has tides',
    ],
    [
      'a worker cluster that is not there',
      { flows: { tides: { cluster: 'big' } } },
      'Pulumi.local.yaml: millrace:flows.tides.cluster: there is no worker cluster "big"; millrace:workerClusters has none',
    ],
    [
      'labels that the agent lacks',
      { flows: { tides: { labels: ['gpu', 'etl'] } }, agent: { labels: ['etl'] } },
      'Pulumi.local.yaml: millrace:flows.tides.labels: the agent lacks gpu; add what is missing to millrace:agent.labels',
    ],
  ])('says of %s what should stand there', (_what, more, line) => {
    expect(linesOf(more)[0]).toBe(line)
  })

  it('leaves out flows that read secrets, which it has no store for', () => {
    expect(linesOf({ flows: { tides: {} } }, [{ ...tides, secrets: ['gauge-token'] }])).toEqual([
      'Pulumi.local.yaml: millrace:flows.tides: it reads secrets (gauge-token), which a stack of containers has no store for; leave the flow out, or deploy it to a stack in the cloud',
    ])
  })

  it('wants settings of flows that have some', () => {
    expect(linesOf({ flows: { tides: {} } }, [{ ...tides, environments: ['dev', 'prod'] }])).toEqual([
      'Pulumi.local.yaml: millrace:flows.tides: flows/tides/flow.ts has no config for local, only for dev, prod; add it there',
    ])
  })
})
