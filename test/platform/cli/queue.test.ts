import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { enqueue, findDeployment, PostgresStore, registerDeployments, scheduledRun } from '@millrace/engine'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { declareAgents } from '../../../platform/cli/declare/agents.ts'
import { declareDeployments } from '../../../platform/cli/declare/deployments.ts'
import { declareBackfill, declareQueue } from '../../../platform/cli/declare/queue.ts'
import { declareRequeue } from '../../../platform/cli/declare/requeue.ts'
import { createDatabase, type TestDatabase } from '../../database.ts'
import { deployed } from './deployed.ts'
import { commandLine } from './in-process.ts'

let database: TestDatabase
let store: PostgresStore
const folder = mkdtempSync(join(tmpdir(), 'millrace-queue-'))

const millrace = commandLine(
  [
    declareQueue,
    declareBackfill,
    declareAgents,
    declareDeployments,
    (program, options) => {
      const runs = program.command('runs').addOption(options.database())
      declareRequeue(runs, options, 'id of the run')
    },
  ],
  () => ['--database', database.url],
)

async function works(...words: string[]): Promise<string> {
  const { code, out, err } = await millrace(...words)
  expect([code, err]).toEqual([0, ''])
  return out
}

/** @returns the one line that it says */
async function refused(...words: string[]): Promise<string> {
  const { code, out, err } = await millrace(...words)
  expect([code, out]).toEqual([2, ''])
  expect(err).toMatch(/^(millrace|error): .+\n/)
  return err
}

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const waiting = async (): Promise<Record<string, unknown>[]> =>
  (await store.listRuns({ states: ['Scheduled'], limit: 100 })).runs.map(
    ({ params }) => params as Record<string, unknown>,
  )

beforeAll(async () => {
  database = await createDatabase()
  store = await PostgresStore.open(database.url)
  await registerDeployments(store.database, [
    deployed('predict', { queue: 'big' }),
    deployed('report', {
      queue: 'big',
      schedule: { cron: '30 6 * * *', timezone: 'Europe/Berlin', params: { model: 'daily' }, paused: false },
    }),
  ])
})
beforeEach(() => database.query('truncate flow_run, label_limit'))
afterAll(async () => {
  await store.close()
  await database.drop()
  rmSync(folder, { recursive: true, force: true })
})

describe('queues', () => {
  it('are listed', async () => {
    expect(await works('queue')).toMatch(
      /^QUEUE +STATE +WAITING +LAUNCHING +RUNNING +OLDEST +MOST +PRIORITY +WINDOW\nbig +open +0 +0 +0 +0\ndefault +open +0 +0 +0 +0\n$/,
    )
    expect(JSON.parse(await works('queue', 'list', '--json'))).toMatchObject([
      { name: 'big', settings: { priority: 0 }, waiting: 0 },
      { name: 'default' },
    ])
  })

  it('are made and set; what is not given stays', async () => {
    await works(
      'queue',
      'set',
      'nightly',
      '--concurrency',
      '4',
      '--cap',
      '100',
      '--window',
      '22:00-06:00 Europe/Berlin MON-FRI',
    )
    expect(await works('queue', 'set', 'nightly', '--priority', '-3', '--cap', 'none')).toMatch(
      /^queue +nightly\nstate +open\nwaiting +0\nlaunching +0\nrunning +0\nconcurrency +4\npriority +-3\ncap +none\nwindow +22:00-06:00 Europe\/Berlin MON,TUE,WED,THU,FRI\n$/,
    )
    expect(
      JSON.parse(await works('queue', 'set', 'nightly', '--window', 'none', '--concurrency', 'none', '--json'))
        .settings,
    ).toEqual({ priority: -3 })
  })

  it('are paused with a reason, and go on', async () => {
    expect(await works('queue', 'pause', 'big', '--reason', 'the database moves')).toMatch(
      /^big: paused by .+ \d+ s ago: the database moves\n$/,
    )
    await works('queue', 'add', 'predict')
    expect(await works('queue', 'show', 'big')).toMatch(
      /waiting +1, for up to .+\n(.*\n)+.*the queue big was paused by .+: the database moves\n$/,
    )
    expect(await works('queue', 'resume', 'big')).toBe('big goes on\n')
    expect(await works('queue')).toMatch(/\nbig +open +1 /)
  })

  it('are cleared, but not without being asked', async () => {
    await works('queue', 'add', 'predict')
    expect(await refused('queue', 'clear', 'big')).toContain('Cancel one run that wait')
    expect(await waiting()).toHaveLength(1)
    expect(await works('queue', 'clear', 'big', '--yes')).toBe('one run cancelled\n')
    expect(await waiting()).toEqual([])
  })

  it('are removed where nothing needs them', async () => {
    await works('queue', 'set', 'gone')
    expect(await works('queue', 'remove', 'gone')).toBe('gone removed\n')
    expect(await refused('queue', 'remove', 'big')).toContain('the deployment predict uses it')
  })

  it('share limits of labels', async () => {
    expect(await works('queue', 'limits')).toBe('No label has a limit.\n')
    expect(await works('queue', 'limit', 'postgis', '3')).toBe('postgis: 3 at once\n')
    expect(await works('queue', 'limits')).toMatch(/^LABEL +MOST +GOING\npostgis +3 +0\n$/)
    expect(await works('queue', 'limit', 'postgis', 'none')).toBe('postgis: no limit\n')
  })

  it.each([
    [['queue', 'show', 'bigg'], 'there is no queue "bigg"; did you mean "big"?'],
    [['queue', 'pause', 'bigg'], 'there is no queue "bigg"; did you mean "big"?'],
    [
      ['queue', 'set', 'big', '--concurrency', 'many'],
      '--concurrency: expected a whole number, 1 or more, or "none", got "many"',
    ],
    [['queue', 'set', 'big', '--concurrency', '0'], '--concurrency: expected a whole number, 1 or more'],
    [['queue', 'set', 'big', '--window', 'nights'], '--window: expected "22:00-06:00 Europe/Berlin"'],
    [['queue', 'set', 'big', '--window', '22:00-06:00 Berlin'], 'window.timezone: "Berlin" is no time zone'],
    [['queue', 'set', 'Big'], 'queue "Big": its name must be'],
    [['queue', 'limit', 'postgis', '0'], 'label postgis: expected a whole number, 1 or more'],
  ])('say what is wrong: %j', async (words, message) => {
    expect(await refused(...words)).toContain(message)
  })
})

describe('queue add', () => {
  it('queues one run, with what was asked for', async () => {
    expect(
      await works('queue', 'add', 'predict', '--param', 'water=3', '--param', 'model=ndwi', '--labels', 'gpu,me'),
    ).toBe('One run of predict queued\n')
    const [run] = (await store.listRuns()).runs
    expect(run).toMatchObject({
      deployment: 'predict',
      queue: 'big',
      state: 'Scheduled',
      params: { water: 3, model: 'ndwi' },
      labels: ['gpu', 'me'],
    })
  })

  it('queues a run for each line, over what the deployment has, under what the command line says', async () => {
    const path = file('tiles.jsonl', '{"tile":1}\n{"tile":2,"model":"line"}\n')
    expect(
      await works('queue', 'add', 'predict', '--params-file', path, '--queue', 'default', '--priority', '-1'),
    ).toBe('2 runs of predict queued\n')
    expect(await waiting()).toEqual([
      { tile: 2, model: 'line' },
      { tile: 1, model: 'pekel' },
    ])
    expect((await store.listRuns({ queue: 'default' })).runs).toMatchObject([{ priority: -1 }, { priority: -1 }])
    await works('queue', 'add', 'predict', '--params-file', path, '--param', 'model=given')
    expect((await waiting()).slice(0, 2)).toEqual([
      { tile: 2, model: 'given' },
      { tile: 1, model: 'given' },
    ])
  })

  it('queues nothing twice that has the same key', async () => {
    const path = file('keys.jsonl', '{"tile":1}\n{"tile":2}\n{"tile":1}\n')
    const add = ['queue', 'add', 'predict', '--params-file', path, '--key-field', 'tile', '--key-scope', 'ever']
    expect(await works(...add)).toBe('2 runs of predict queued; one was known\n')
    expect(await works(...add)).toBe('0 runs of predict queued; 3 were known\n')
    const lines = (await works(...add, '--json'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toMatchObject([{ isKnown: true }, { isKnown: true }, { isKnown: true }])
    expect(new Set(lines.map(({ id }) => id)).size).toBe(2)
  })

  it('queues nothing of a file with a mistake in its last line', async () => {
    const path = file('wrong.jsonl', `${'{"tile":1}\n'.repeat(3000)}{"tile"\n`)
    expect(await refused('queue', 'add', 'predict', '--params-file', path)).toMatch(
      /wrong\.jsonl, line 3001 is not JSON/,
    )
    expect(await waiting()).toEqual([])
  })

  it('takes a file that is bigger than a batch', async () => {
    const path = file('big.jsonl', Array.from({ length: 5000 }, (_, i) => `{"tile":${i}}\n`).join(''))
    expect(await works('queue', 'add', 'predict', '--params-file', path)).toBe('5000 runs of predict queued\n')
    expect(await database.query("select count(*)::int as n from flow_run where state = 'Scheduled'")).toEqual([
      { n: 5000 },
    ])
  })

  it('queues nothing of an empty file', async () => {
    expect(await works('queue', 'add', 'predict', '--params-file', file('empty.jsonl', '\n'))).toBe(
      '0 runs of predict queued\n',
    )
  })

  it('says how far it came where the queue is full', async () => {
    await works('queue', 'set', 'big', '--cap', '3000')
    const path = file('many.jsonl', '{}\n'.repeat(5000))
    const { code, err } = await millrace('queue', 'add', 'predict', '--params-file', path)
    await works('queue', 'set', 'big', '--cap', 'none')
    expect(code).toBe(2)
    expect(err).toContain('queue big: its cap is 3000 waiting runs')
    expect(err).toContain('(2000 runs are queued by now)')
  })

  it.each([
    [['queue', 'add', 'predct'], 'there is no deployment "predct"; did you mean "predict"?'],
    [['queue', 'add', 'predict', '--queue', 'bigg'], 'there is no queue "bigg"; did you mean "big"?'],
    [['queue', 'add', 'predict', '--params-file', '/no/such/file'], '--params-file: there is no file /no/such/file'],
    [['queue', 'add', 'predict', '--param', 'water'], '--param water: expected name=value'],
    [['queue', 'add', 'predict', '--key-field', 'tile'], '--key-field tile: there is no such parameter'],
    [['queue', 'add', 'predict', '--not-before', 'soon'], '--not-before: expected a length of time'],
    [['queue', 'add', 'predict', '--priority', 'high'], '--priority: expected a whole number, got "high"'],
  ])('says what is wrong: %j', async (words, message) => {
    expect(await refused(...words)).toContain(message)
    expect(await waiting()).toEqual([])
  })
})

describe('backfill', () => {
  const ids = (): string => file('ids.txt', '7\n 8 \n\n9\n')

  it('queues a run for each id, once however often it is repeated', async () => {
    const again = ['backfill', 'predict', '--ids-file', ids(), '--id-param', 'water', '--param', 'outputs=["area"]']
    expect(await works(...again)).toBe('3 runs of predict queued\n')
    expect(await waiting()).toEqual([9, 8, 7].map((water) => ({ model: 'pekel', outputs: ['area'], water })))
    expect(await works(...again)).toBe('0 runs of predict queued; 3 were known\n')
  })

  it('is another one with other parameters, or by another name', async () => {
    const one = ['backfill', 'predict', '--ids-file', ids(), '--id-param', 'water']
    await works(...one)
    expect(await works(...one, '--param', 'outputs=["area"]')).toBe('3 runs of predict queued\n')
    expect(await works(...one, '--name', 'after the fix')).toBe('3 runs of predict queued\n')
    expect(await works(...one, '--name', 'after the fix')).toBe('0 runs of predict queued; 3 were known\n')
  })

  it('only says what it would do in a dry run', async () => {
    const out = await works('backfill', 'predict', '--ids-file', ids(), '--id-param', 'water', '--dry-run')
    expect(out).toBe(
      '{"model":"pekel","water":7}\n{"model":"pekel","water":8}\n{"model":"pekel","water":9}\n3 runs would be queued, less those that were before (dry run: nothing was done)\n',
    )
    expect(await waiting()).toEqual([])
  })

  it('queues a run for each time of a schedule that was missed, with its parameters', async () => {
    const report = await findDeployment(store.database, 'report')
    if (!report) throw new Error('there is no deployment')
    // Summer time begins on the 29th; that day was not missed.
    await enqueue(store, [scheduledRun(report, new Date('2026-03-29T04:30:00Z'))])
    const days = ['backfill', 'report', '--from', '2026-03-28', '--to', '2026-03-31']
    expect(await works(...days)).toBe('2 runs of report queued; one was known\n')
    expect(await waiting()).toEqual(Array.from({ length: 3 }, () => ({ model: 'daily' })))
    expect(await works('backfill', 'report', '--from', '2026-03-30T06:30', '--to', '2026-04-01T04:31Z')).toBe(
      '2 runs of report queued; one was known\n',
    )
  })

  it.each([
    [['backfill', 'predict'], 'what is to be run again?'],
    [['backfill', 'predict', '--ids-file', 'x', '--from', '2026-01-01'], 'what is to be run again?'],
    [['backfill', 'predict', '--ids-file', 'x'], '--ids-file: say with --id-param'],
    [['backfill', 'predict', '--ids-file', '/no/such/file', '--id-param', 'water'], '--ids-file: there is no file'],
    [['backfill', 'report', '--from', '2026-01-01'], '--from and --to: both are needed'],
    [['backfill', 'report', '--from', '2026-01-02', '--to', '2026-01-01'], '--to: 2026-01-01 is not after 2026-01-02'],
    [['backfill', 'report', '--from', '2026-02-30', '--to', '2026-03-01'], '--from: "2026-02-30" is not a time'],
    [['backfill', 'report', '--from', 'may', '--to', '2026-03-01'], '--from: "may" is not a time'],
    [['backfill', 'report', '--from', '2026-01-01', '--to', '2999-01-01'], 'is not over yet'],
    [['backfill', 'predict', '--from', '2026-01-01', '--to', '2026-01-02'], 'predict has no schedule'],
  ])('says what is wrong: %j', async (words, message) => {
    expect(await refused(...words)).toContain(message)
    expect(await waiting()).toEqual([])
  })
})

describe('one run', () => {
  const only = async (): Promise<string> => {
    await works('queue', 'add', 'predict')
    return (await store.listRuns()).runs[0]?.id ?? ''
  }

  it('that failed is queued again', async () => {
    const id = await only()
    await store.setState(id, 'Failed', { message: 'no luck' })
    expect(await works('runs', 'retry', id)).toMatch(
      new RegExp(`^${id} predict-\\S+ waits in the queue big: no agent is up`),
    )
    expect(await store.findRun(id)).toMatchObject({ state: 'Scheduled' })
    expect(await refused('runs', 'retry', id)).toContain(`run ${id} waits in the queue big already`)
  })

  it('that waits is moved to where a label says', async () => {
    const id = await only()
    expect(await works('runs', 'move', id, '--label', 'me', '--priority', '10', '--queue', 'default')).toContain(
      'waits in the queue default',
    )
    expect(await store.findRun(id)).toMatchObject({ labels: ['me'], priority: 10, queue: 'default' })
    expect(JSON.parse(await works('runs', 'move', id, '--launcher', 'vertex', '--json'))).toMatchObject({
      launcher: 'vertex',
    })
    expect((await store.findRun(id))?.launcher).toBe('vertex')
    await works('runs', 'move', id, '--launcher', 'any')
    expect((await store.findRun(id))?.launcher).toBeUndefined()
    // A laptop launches otherwise than the cloud that it was meant for.
    await works('runs', 'move', id, '--launcher', 'vertex')
    await works('runs', 'move', id, '--label', 'me')
    expect((await store.findRun(id))?.launcher).toBeUndefined()
  })

  it('that does not wait is left alone', async () => {
    const id = await only()
    await store.setState(id, 'Cancelled')
    expect(await refused('runs', 'move', id, '--label', 'me')).toContain(`run ${id} is Cancelled: only one that waits`)
    expect(await refused('runs', 'move', id)).toContain('where is the run to go?')
    expect(await refused('runs', 'move', id, '--launcher', 'moon')).toContain('--launcher: there is no launcher "moon"')
    expect(await refused('runs', 'retry', 'nope')).toContain('there is no run nope')
  })
})

describe('what there is', () => {
  it('is listed: deployments', async () => {
    expect(await works('deployments')).toMatch(
      /^DEPLOYMENT +BUNDLE +LAUNCHER +QUEUE +LABELS +SCHEDULE +OWNER\npredict +a{12} +any +big +etl +hydrology\nreport +a{12} +any +big +etl +30 6 \* \* \* Europe\/Berlin +hydrology\n$/,
    )
    expect(JSON.parse(await works('deployments', '--json'))).toMatchObject([{ name: 'predict' }, { name: 'report' }])
    expect(await works('deployments', 'show', 'predict')).toMatch(
      /^deployment +predict\n(.*\n)*driver +2 cpu\n(.*\n)*params +{"model":"pekel"}\n$/,
    )
    expect(await refused('deployments', 'show', 'predct')).toContain('did you mean "predict"?')
  })

  it('is listed: agents', async () => {
    expect(await works('agents')).toBe('No agent is up. Start one with: millrace agent start\n')
    expect(await works('agents', '--json')).toBe('[]\n')
  })
})
