import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { manifestOf } from '../../../platform/release/index.ts'
import { type FlowOptions, flow } from '../../../platform/sdk/index.ts'
import { mistakeOf } from '../sdk/failure.ts'

const METADATA = { name: 'rain', description: 'Counts drops.', owner: 'weather', contact: 'weather@example.org' }
const LEAST = { ...METADATA, sources: [], sinks: [] }

function rain(more: Partial<FlowOptions<z.ZodType, unknown>> = {}): ReturnType<typeof flow> {
  return flow({ ...LEAST, ...more }, () => 1) as ReturnType<typeof flow>
}

const mistake = (more: object): Promise<string> => mistakeOf(() => manifestOf(rain(more)))

describe('the manifest of a flow', () => {
  it('has defaults for all that the flow does not say', () => {
    expect(manifestOf(rain())).toEqual({
      ...LEAST,
      params: expect.objectContaining({ type: 'object', properties: {} }),
      runOn: {},
      workers: { count: 0 },
      labels: [],
      queue: 'default',
      secrets: [],
    })
  })

  it('has quantities as numbers, and the rest as it was said', () => {
    const manifest = manifestOf(
      rain({
        sources: ['gs://drops'],
        sinks: ['bigquery://rain'],
        params: z.object({ from: z.int(), how: z.enum(['all', 'some']).default('all') }),
        runOn: { launcher: 'vertex', cpu: 4, memory: '16 GiB', machineType: 'n1-standard-4', gpu: 1, spot: true },
        workers: { count: 8, cpu: 1, memory: '500 MB' },
        schedule: { cron: '45 8 * * 2', params: { from: 1 } },
        labels: ['etl'],
        queue: 'nightly',
        secrets: ['db-password'],
        timeout: '8 hours',
        config: { dev: {}, prod: { url: 'postgres://app:secret://db-password@host' } },
      }),
    )
    expect(manifest).toMatchObject({
      sources: ['gs://drops'],
      sinks: ['bigquery://rain'],
      params: {
        properties: { from: { type: 'integer' }, how: { enum: ['all', 'some'], default: 'all' } },
        required: ['from'],
      },
      environments: ['dev', 'prod'],
      runOn: { launcher: 'vertex', cpu: 4, memory: 16 * 2 ** 30, machineType: 'n1-standard-4', gpu: 1, spot: true },
      workers: { count: 8, cpu: 1, memory: 500e6 },
      schedule: { cron: '45 8 * * 2', timezone: 'UTC', params: { from: 1 } },
      labels: ['etl'],
      queue: 'nightly',
      secrets: ['db-password'],
      timeout: 8 * 3_600_000,
    })
    expect(JSON.parse(JSON.stringify(manifest))).toEqual(manifest)
  })

  it('says nothing of the values of the settings', () => {
    const manifest = manifestOf(rain({ config: { prod: { host: 'internal.example.org' } } }))
    expect(JSON.stringify(manifest)).not.toContain('internal')
  })

  it('is refused with a line for each thing that a release needs to know', async () => {
    const bare = flow({ name: 'bare' }, () => 1)
    expect((await mistakeOf(() => manifestOf(bare as ReturnType<typeof flow>))).split('\n')).toEqual([
      'flow bare: description: is required (text)',
      'flow bare: owner: is required (text)',
      'flow bare: contact: is required (text)',
      'flow bare: sources: is required (a list)',
      'flow bare: sinks: is required (a list)',
    ])
  })

  it.each<[what: string, more: object, line: string]>([
    ['an owner of blanks', { owner: ' ' }, 'flow rain: owner: must not be empty, got " "'],
    [
      'a cron text of six fields',
      { schedule: { cron: '0 45 8 * * 2' } },
      'flow rain: schedule.cron: must be five fields',
    ],
    [
      'an hour that is none',
      { schedule: { cron: '45 25 * * 2' } },
      'flow rain: schedule.cron: hour: "25" is not within 0 to 23, got "45 25 * * 2"',
    ],
    [
      'an unknown time zone',
      { schedule: { cron: '45 8 * * 2', timezone: 'Europe/Berln' } },
      'flow rain: schedule.timezone: must be the name of a time zone (did you mean "Europe/Berlin"?), got "Europe/Berln"',
    ],
    [
      'a schedule without the parameters that the flow needs',
      { params: z.object({ from: z.int() }), schedule: { cron: '45 8 * * 2' } },
      'flow rain: schedule.params: parameter from: is required (a whole number)',
    ],
    [
      'a schedule with a parameter that there is not',
      { params: z.object({ from: z.int().default(1) }), schedule: { cron: '45 8 * * 2', params: { form: 1 } } },
      'flow rain: schedule.params: there is no parameter "form"',
    ],
    [
      'a schedule with a parameter that cannot be written down',
      { params: z.object({ from: z.date() }), schedule: { cron: '45 8 * * 2', params: { from: new Date(0) } } },
      'flow rain: schedule.params.from: ',
    ],
    [
      'a secret in capitals',
      { secrets: ['DB_PASSWORD'] },
      "flow rain: secrets[0]: a secret's name starts with a letter",
    ],
    [
      'settings with a secret that it does not read',
      { config: { dev: {}, prod: { databases: [{ url: 'postgres://app:secret://db-password@host' }] } } },
      'flow rain: config.prod: refers to secret://db-password; add "db-password" to the flow\'s secrets',
    ],
    ['no memory at all', { runOn: { memory: '0 GiB' } }, 'flow rain: runOn.memory: Too small'],
    ['half a worker', { workers: { count: 0.5 } }, 'flow rain: workers.count: expected a whole number, got 0.5'],
    ['an unknown launcher', { runOn: { launcher: 'swarm' } }, 'flow rain: runOn.launcher: expected one of "process",'],
    [
      'a misspelt field',
      { workers: { count: 1, spott: true } },
      'flow rain: workers.spott: there is no such key; did you mean "spot"?',
    ],
    ['a label with a blank', { labels: ['big memory'] }, 'flow rain: labels[0]: must be lower-case letters'],
  ])('is refused for %s', async (_what, more, line) => {
    expect(await mistake(more)).toContain(line)
  })
})
