import {
  claimRuns,
  dispatchPaused,
  enqueue,
  PostgresStore,
  registerDeployments,
  runOfDeployment,
} from '@millrace/engine'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { declareDispatch } from '../../../platform/cli/declare/dispatch.ts'
import { createDatabase, type TestDatabase } from '../../database.ts'
import { until } from '../../until.ts'
import { claimer } from '../engine/dispatch/scene.ts'
import { deployed } from './deployed.ts'
import { commandLine } from './in-process.ts'

let database: TestDatabase
let store: PostgresStore

const millrace = commandLine([declareDispatch], () => ['--database', database.url])
const records = [deployed('predict'), deployed('report')]

async function works(...words: string[]): Promise<string> {
  const { code, out } = await millrace(...words)
  expect(code).toBe(0)
  return out
}

/** @returns its id */
async function queue(name: string): Promise<string> {
  const record = records.find((each) => each.name === name) ?? deployed(name)
  const [queued] = await enqueue(store, [runOfDeployment(record)])
  return queued?.run.id ?? ''
}

const claim = async () => (await claimRuns(store.database, claimer({ labels: ['etl'] }))).map(({ id }) => id)
const end = (id: string) => database.query(`update flow_run set state = 'Completed', ended = now() where id = $1`, [id])

beforeAll(async () => {
  database = await createDatabase()
  store = await PostgresStore.open(database.url)
  await registerDeployments(store.database, records)
})
beforeEach(() => database.query('truncate flow_run, dispatch_pause, ledger'))
afterEach(() => {
  process.exitCode = undefined
})
afterAll(async () => {
  await store.close()
  await database.drop()
})

describe('dispatch', () => {
  it('is paused for every run, with a reason for others to see, and resumed', async () => {
    await queue('predict')
    expect(await works('dispatch')).toBe('Nothing is held back.\nNo run goes on.\n')
    expect(await works('dispatch', 'pause', '--reason', 'release 7')).toMatch(
      /^No run is launched: paused by .+: release 7\nNo run goes on\.\n$/,
    )
    expect(await claim()).toEqual([])
    expect(await works('dispatch', 'status')).toMatch(/^No run is launched: paused by .+: release 7\n/)
    expect(await works('dispatch', 'resume')).toBe('every run: launched again\n')
    expect(await claim()).toHaveLength(1)
  })

  it('is paused for single deployments', async () => {
    await queue('predict')
    const report = await queue('report')
    await works('dispatch', 'pause', 'predict')
    expect(await claim()).toEqual([report])
    // The pause of every run is another one.
    expect(await works('dispatch', 'resume')).toMatch(
      /^every run: was not held back\nstill: No run of predict is launched: paused by .+\n$/,
    )
    expect(await works('dispatch', 'resume', 'predict')).toBe('predict: launched again\n')
  })

  it('is not paused for a deployment that is not there', async () => {
    const { code, err } = await millrace('dispatch', 'pause', 'predic')
    expect(code).toBe(2)
    expect(err).toContain('there is no deployment "predic"; did you mean "predict"?')
    expect(await dispatchPaused(store.database)).toEqual([])
  })

  it('shows what goes on, also to other programs', async () => {
    const id = await queue('predict')
    await claim()
    expect(await works('dispatch')).toMatch(new RegExp(`\n${id} +predict +Pending +default `))
    expect(JSON.parse(await works('dispatch', 'status', 'predict', '--json'))).toMatchObject({
      paused: [],
      going: [{ id, deployment: 'predict', state: 'Pending' }],
    })
    expect(JSON.parse(await works('dispatch', 'status', 'report', '--json'))).toEqual({ paused: [], going: [] })
  })
})

describe('a pause that waits', () => {
  it('ends when the last run that was launched is over, and not before', async () => {
    const id = await queue('predict')
    await claim()
    let isOver = false
    const waiting = millrace('dispatch', 'pause', '--wait').then((ended) => {
      expect(isOver).toBe(true)
      return ended
    })
    await until(async () => (await dispatchPaused(store.database)).length > 0)
    await queue('predict')
    isOver = true
    await end(id)
    const { code, out, err } = await waiting
    expect(code).toBe(0)
    expect(out).toMatch(/No run goes on\.\n$/)
    expect(['', `one run goes on: ${id} (predict, Pending)\n`]).toContain(err)
    expect(process.exitCode).toBeUndefined()
  })

  it('does not wait for runs of others', async () => {
    await queue('report')
    await claim()
    expect(await works('dispatch', 'pause', 'predict', '--wait')).toMatch(/No run goes on\.\n$/)
  })

  it('gives up when it was told how long, says for what, ends with 1, and leaves the pause', async () => {
    const id = await queue('predict')
    await claim()
    const { out } = await millrace('dispatch', 'pause', '--timeout', '10 ms')
    expect(out).toContain(`one run goes on: ${id} (predict, Pending) after 10 ms; what is held back stays so`)
    expect(process.exitCode).toBe(1)
    expect(await dispatchPaused(store.database)).toHaveLength(1)
  })

  it('can be interrupted, and leaves the pause', async () => {
    await queue('predict')
    await claim()
    const before = process.listenerCount('SIGINT')
    const waiting = millrace('dispatch', 'pause', '--wait')
    await until(() => process.listenerCount('SIGINT') > before)
    process.emit('SIGINT')
    const { code, err } = await waiting
    expect(code).toBe(130)
    expect(err).toContain('interrupted; runs are held back until `millrace dispatch resume`')
    expect(await dispatchPaused(store.database)).toHaveLength(1)
  })
})
