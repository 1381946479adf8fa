import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PostgresStore, registerDeployments } from '@millrace/engine'
import { readPause } from '@millrace/release/records'
import { store as openRecords } from '@millrace/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { declareSchedules } from '../../../platform/cli/declare/schedules.ts'
import { createDatabase, type TestDatabase } from '../../database.ts'
import { deployed } from './deployed.ts'
import { commandLine } from './in-process.ts'

let database: TestDatabase
let store: PostgresStore
const folder = mkdtempSync(join(tmpdir(), 'millrace-schedules-'))
const records = `file:${folder}`

const millrace = commandLine([declareSchedules], () => ['--database', database.url])

async function works(...words: string[]): Promise<string> {
  const { code, out, err } = await millrace(...words)
  expect([code, err]).toEqual([0, ''])
  return out
}

async function refused(...words: string[]): Promise<string> {
  const { code, out, err } = await millrace(...words)
  expect([code, out]).toEqual([2, ''])
  return err
}

beforeAll(async () => {
  database = await createDatabase()
  store = await PostgresStore.open(database.url)
})
afterAll(async () => {
  await store.close()
  await database.drop()
  rmSync(folder, { recursive: true, force: true })
})

const daily = (paused: boolean) =>
  deployed('report', { schedule: { cron: '30 6 * * *', timezone: 'Europe/Berlin', params: {}, paused } })

describe('schedules', () => {
  it('are listed with what comes next, on the clocks of their time zone', async () => {
    expect(await works('schedules')).toBe('Nothing deployed has a schedule.\n')
    await registerDeployments(store.database, [daily(false), deployed('predict')])
    expect(await works('schedules')).toMatch(
      /^DEPLOYMENT +CRON +TIME ZONE +NEXT +AT +LAST +NOTE\nreport +30 6 \* \* \* +Europe\/Berlin +in \d+ (s|min|h) +[A-Z][a-z]{2} 20\d\d-\d\d-\d\d 06:30 Europe\/Berlin\n$/,
    )
    expect(JSON.parse(await works('schedules', 'list', '--json'))).toMatchObject([
      { deployment: 'report', cron: '30 6 * * *', paused: false, next: expect.any(Number) },
    ])
  })

  it('say which times come', async () => {
    const lines = (await works('schedules', 'next', 'report', '--count', '3')).trim().split('\n')
    expect(lines).toHaveLength(3)
    for (const line of lines)
      expect(line).toMatch(/^\w{3} 20\d\d-\d\d-\d\d 06:30 Europe\/Berlin +in \d+ (s|min|h|days)$/)
    const { times } = JSON.parse(await works('schedules', 'next', 'report', '--json'))
    expect(times).toHaveLength(5)
    expect(times.map((time: string) => Date.parse(time))).toEqual(
      [...times].map((time) => Date.parse(time)).sort((a, b) => a - b),
    )
  })

  it('are paused in the records, so that a deploy leaves them so, and go on', async () => {
    expect(await works('schedules', 'pause', 'report', '--store', records, '--reason', 'its source is away')).toMatch(
      /^report is paused by .+ \d+ s ago: its source is away\n$/,
    )
    expect(await readPause(openRecords(records), 'report')).toMatchObject({ reason: 'its source is away' })
    // Whoever paused it first, stays named.
    expect(await works('schedules', 'pause', 'report', '--store', records, '--reason', 'another')).toContain(
      'its source is away',
    )
    expect(await works('schedules', 'resume', 'report', '--store', records)).toBe('report goes on with its next time\n')
    expect(await works('schedules', 'resume', 'report', '--store', records)).toBe('report was not paused\n')
    expect(await readPause(openRecords(records), 'report')).toBeUndefined()
  })

  it('that are paused say so', async () => {
    await registerDeployments(store.database, [daily(true)])
    expect(await works('schedules')).toMatch(/\nreport +30 6 \* \* \* +Europe\/Berlin +paused\n$/)
    const { code, out, err } = await millrace('schedules', 'next', 'report', '--count', '1')
    expect([code, err]).toEqual([0, 'millrace: report is paused; these are the times it would run at\n'])
    expect(out).toContain('06:30 Europe/Berlin')
  })

  it.each([
    [['schedules', 'next', 'reprt'], 'there is no schedule of "reprt"; did you mean "report"?'],
    [['schedules', 'next', 'report', '--count', '0'], '--count: expected a whole number, 1 or more'],
    [['schedules', 'pause', 'rep/ort', '--store', records], '"rep/ort" has no schedule: expected the name of a flow'],
  ])('say what is wrong: %j', async (words, message) => {
    expect(await refused(...words)).toContain(message)
  })
})
