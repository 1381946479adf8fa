import { flowSource, type NewRun, RUN_STATES, type RunState, type RunStore } from '@millrace/engine'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TaskRecord } from '../../../platform/engine/store/run-store.ts'
import { encode } from '../../../platform/engine/values/codec.ts'
import { PROJECT } from '../../process.ts'
import { until } from '../../until.ts'

const SOURCE = flowSource(PROJECT, 'tasks', 'flows/tasks/flow.ts')
const newRun = (more: Partial<NewRun> = {}): NewRun => ({
  flow: 'tasks',
  name: 'tasks-1',
  params: { a: 1 },
  env: 'dev',
  executor: 'threads',
  source: SOURCE,
  ...more,
})

const record = (seq: number, more: Partial<TaskRecord> = {}): TaskRecord => ({
  seq,
  key: Buffer.from(seq.toString(16).padStart(32, '0'), 'hex'),
  task: 'double',
  state: 'Completed',
  attempt: 1,
  created: 1_700_000_000_000,
  started: 1_700_000_000_100,
  ended: 1_700_000_000_200,
  result: encode(2 * seq),
  failure: undefined,
  ...more,
})

/** How each state is reached from a new run. */
const WAY: Readonly<Record<RunState, readonly RunState[]>> = {
  Scheduled: ['Scheduled'],
  Pending: [],
  Running: ['Running'],
  Retrying: ['Running', 'Retrying'],
  Paused: ['Running', 'Paused'],
  Cancelling: ['Running', 'Cancelling'],
  Cancelled: ['Cancelled'],
  Completed: ['Running', 'Completed'],
  Failed: ['Failed'],
  Crashed: ['Crashed'],
}

const ALLOWED: Readonly<Record<RunState, readonly RunState[]>> = {
  Scheduled: ['Pending', 'Running', 'Cancelled', 'Failed', 'Crashed'],
  Pending: ['Scheduled', 'Running', 'Cancelling', 'Cancelled', 'Failed', 'Crashed'],
  Running: ['Completed', 'Failed', 'Crashed', 'Cancelling', 'Cancelled', 'Paused', 'Retrying'],
  Retrying: ['Running', 'Failed', 'Crashed', 'Cancelling', 'Cancelled'],
  Paused: ['Running', 'Cancelling', 'Cancelled', 'Failed', 'Crashed'],
  Cancelling: ['Cancelled', 'Crashed', 'Completed', 'Failed'],
  Cancelled: ['Retrying', 'Scheduled'],
  Completed: [],
  Failed: ['Retrying', 'Scheduled'],
  Crashed: ['Retrying', 'Scheduled'],
}

/** What the engine and the command line count on, wherever runs are kept. */
export function runStoreConformance(open: () => Promise<{ store: RunStore; close: () => Promise<void> }>): void {
  let store: RunStore
  let close = async (): Promise<void> => {}
  beforeAll(async () => {
    ;({ store, close } = await open())
  })
  afterAll(() => close())
  const make = async (more: Partial<NewRun> = {}): Promise<string> => (await store.createRun(newRun(more))).id

  describe('runs', () => {
    it('are Pending when new, and found by id and by the beginning of it', async () => {
      const run = await store.createRun(newRun({ labels: ['etl'] }))
      expect(run).toMatchObject({ ...newRun(), labels: ['etl'], state: 'Pending', attempt: 0 })
      expect(run.id).toMatch(/^[0-9a-z]{14}$/)
      expect(await store.findRun(run.id)).toEqual(run)
      expect(await store.findRun(run.id.slice(0, 13))).toEqual(run)
    })

    it('that are not there are not found', async () => {
      expect(await store.findRun('')).toBeUndefined()
      expect(await store.findRun('zzzzzzzzzzzz')).toBeUndefined()
      expect(await store.findRun("'; drop table flow_run; --")).toBeUndefined()
    })

    it('with the same beginning must be told apart', async () => {
      const ids = [await make(), await make()]
      await expect(store.findRun(ids[0]?.slice(0, 2) ?? '')).rejects.toThrow(/several runs begin with/)
    })

    it('are listed newest first, page by page, by flow and state and time', async () => {
      const ids = []
      for (let i = 0; i < 5; i++) ids.unshift(await make({ flow: 'listed' }))
      const [first, second] = ids
      await store.setState(first ?? '', 'Cancelled')
      const page = await store.listRuns({ flow: 'listed', limit: 2 })
      expect(page.runs.map(({ id }) => id)).toEqual(ids.slice(0, 2))
      const next = await store.listRuns({ flow: 'listed', limit: 3, ...(page.next && { after: page.next }) })
      expect(next.runs.map(({ id }) => id)).toEqual(ids.slice(2))
      expect(next.next).toBeUndefined()
      expect((await store.listRuns({ flow: 'listed', states: ['Cancelled'] })).runs.map(({ id }) => id)).toEqual([
        first,
      ])
      expect((await store.listRuns({ flow: 'listed', states: ['Pending'], limit: 1 })).runs[0]?.id).toBe(second)
      expect((await store.listRuns({ flow: 'listed', since: Date.now() + 60_000 })).runs).toEqual([])
      expect((await store.listRuns({ flow: 'nothing' })).runs).toEqual([])
    })
  })

  describe('states', () => {
    it.each(RUN_STATES)('from %s go where they may, and nowhere else', async (from) => {
      for (const to of RUN_STATES.filter((each) => each !== from)) {
        const id = await make()
        for (const state of WAY[from]) expect(await store.setState(id, state), `${from} by ${state}`).toBeDefined()
        const changed = await store.setState(id, to)
        expect(changed?.state, `${from} to ${to}`).toBe(ALLOWED[from].includes(to) ? to : undefined)
        expect((await store.findRun(id))?.state).toBe(changed ? to : from)
      }
    })

    it('carry a message and a failure, and the time at which the run ended', async () => {
      const id = await make()
      await store.setState(id, 'Running')
      const failure = { name: 'RangeError', message: 'too far', stack: 'RangeError: too far\n    at here' }
      const failed = await store.setState(id, 'Failed', { message: 'too far', failure })
      expect(failed).toMatchObject({ state: 'Failed', message: 'too far', failure })
      expect(Math.abs((failed?.ended ?? 0) - Date.now())).toBeLessThan(60_000)
    })
  })

  describe('a driver', () => {
    it('takes a run for itself alone, and gives it back', async () => {
      const id = await make()
      const lease = await store.takeRun(id)
      expect(lease.run).toMatchObject({ id, state: 'Running', attempt: 1 })
      expect(lease.run.started).toBeDefined()
      await expect(store.takeRun(id)).rejects.toThrow(`run ${id} is already driven by`)
      expect(lease.lost.aborted).toBe(false)
      await lease.release()
    })

    it('takes a run up again that failed, and what is over stays over', async () => {
      const id = await make()
      const lease = await store.takeRun(id)
      expect(await store.reopen(id, SOURCE)).toBeUndefined()
      await store.setState(id, 'Failed', { message: 'no luck' })
      await lease.release()
      await expect(store.takeRun(id)).rejects.toThrow(`run ${id} is Failed: it cannot be started`)
      const reopened = await store.reopen(id, { ...SOURCE, digest: 'new' })
      expect(reopened).toMatchObject({ state: 'Retrying', source: { digest: 'new' } })
      expect(reopened?.message).toBeUndefined()
      const again = await store.takeRun(id)
      expect(again.run).toMatchObject({ state: 'Running', attempt: 2, started: lease.run.started })
      await store.setState(id, 'Completed')
      await again.release()
      expect(await store.reopen(id, SOURCE)).toBeUndefined()
    })
  })

  describe('task runs', () => {
    it('are written down, and the later record wins', async () => {
      const id = await make()
      await store.recordTasks(id, [])
      const failure = { name: 'Error', message: 'bad' }
      await store.recordTasks(id, [
        record(0),
        record(1, { state: 'Failed', result: undefined, failure }),
        record(2, { task: 'add' }),
      ])
      await store.recordTasks(id, [record(1, { attempt: 2 })])
      const runs = await store.taskRuns(id)
      expect(runs.map(({ seq, task, state, attempt }) => [seq, task, state, attempt])).toEqual([
        [0, 'double', 'Completed', 1],
        [1, 'double', 'Completed', 2],
        [2, 'add', 'Completed', 1],
      ])
      expect(runs[0]).toMatchObject({
        created: 1_700_000_000_000,
        started: 1_700_000_000_100,
        ended: 1_700_000_000_200,
        deaths: [],
      })
      expect(await store.taskCounts(id)).toEqual({
        double: { Completed: 2, ...optionalZero(store) },
        add: { Completed: 1 },
      })
    })

    it('come page by page and by state', async () => {
      const id = await make()
      await store.recordTasks(
        id,
        Array.from({ length: 10 }, (_, i) => record(i, i % 2 ? { state: 'Skipped' } : {})),
      )
      expect((await store.taskRuns(id, { limit: 3 })).map(({ seq }) => seq)).toEqual([0, 1, 2])
      expect((await store.taskRuns(id, { after: 7 })).map(({ seq }) => seq)).toEqual([8, 9])
      expect((await store.taskRuns(id, { states: ['Skipped'], limit: 2 })).map(({ seq }) => seq)).toEqual([1, 3])
    })

    it('are the journal of the run, with results of any size', async () => {
      const id = await make()
      const large = new Uint8Array(3 * 2 ** 20).map((_, i) => i % 251)
      await store.recordTasks(id, [
        record(0),
        record(1, { result: large }),
        record(2, { state: 'Skipped', result: undefined }),
      ])
      expect(await store.journal(id)).toEqual([
        { seq: 0, key: '0'.repeat(32), state: 'Completed', attempt: 1 },
        { seq: 1, key: `${'0'.repeat(31)}1`, state: 'Completed', attempt: 1 },
        { seq: 2, key: `${'0'.repeat(31)}2`, state: 'Skipped', attempt: 1 },
      ])
      const results = await store.results(id, [0, 1, 2, 99])
      expect([...results.keys()].sort()).toEqual([0, 1])
      expect(Buffer.compare(results.get(0) ?? large, encode(0))).toBe(0)
      expect(Buffer.compare(results.get(1) ?? encode(0), large)).toBe(0)
    })
  })

  describe('the cache', () => {
    it('gives what was put there, until its time is over', async () => {
      await store.cache('key-a', encode('a'), 60_000)
      await store.cache('key-b', encode('b'), 30)
      await store.cache('key-a', encode('newer'), 60_000)
      const found = await store.cached(['key-a', 'key-c'])
      expect([...found.keys()]).toEqual(['key-a'])
      expect(Buffer.compare(found.get('key-a') ?? encode(0), encode('newer'))).toBe(0)
      await until(async () => (await store.cached(['key-b'])).size === 0)
    })
  })

  describe('the log', () => {
    it('keeps lines in order, by level, page by page', async () => {
      const id = await make()
      const line = (level: 'debug' | 'info' | 'error', message: string) => ({
        time: 1_700_000_000_000,
        level,
        message,
        source: 'flow',
      })
      await store.appendLogs(id, [])
      await store.appendLogs(id, [line('debug', 'one'), { ...line('info', 'two'), fields: { rows: 3, deep: ['x'] } }])
      await store.appendLogs(id, [line('error', 'three \0 “ü”')])
      const all = await store.logs(id)
      expect(all.map(({ message }) => message.replace('\\0', '\0'))).toEqual(['one', 'two', 'three \0 “ü”'])
      expect(all[1]).toMatchObject({
        level: 'info',
        source: 'flow',
        time: 1_700_000_000_000,
        fields: { rows: 3, deep: ['x'] },
      })
      expect((await store.logs(id, { level: 'info' })).map(({ level }) => level)).toEqual(['info', 'error'])
      expect((await store.logs(id, { after: all[0]?.id ?? 0, limit: 1 })).map(({ message }) => message)).toEqual([
        'two',
      ])
    })
  })

  it('tells a listener of states and logs, until it ends the listening', async () => {
    const id = await make()
    const other = await make()
    const heard: string[] = []
    const unlisten = await store.listen(id, (event) => heard.push(event))
    await store.setState(other, 'Running')
    await store.setState(id, 'Running')
    await until(() => heard.includes('state'))
    await store.appendLogs(id, [{ time: 0, level: 'info', message: 'x', source: 'flow' }])
    await until(() => heard.includes('logs'))
    unlisten()
    const before = heard.length
    await store.setState(id, 'Failed')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(heard.length).toBe(before)
  })

  it('prunes runs that ended long enough ago, with everything of theirs', async () => {
    const old = await make({ flow: 'pruned' })
    const going = await make({ flow: 'pruned' })
    await store.recordTasks(old, [record(0, { result: new Uint8Array(300_000) })])
    await store.appendLogs(old, [{ time: 0, level: 'info', message: 'x', source: 'flow' }])
    await store.setState(old, 'Cancelled')
    await until(() => true)
    expect(await store.prune(Date.now() - 60_000)).not.toContain(old)
    const soon = Date.now() + 60_000
    expect(await store.prune(soon, { dryRun: true })).toContain(old)
    expect(await store.findRun(old)).toBeDefined()
    const pruned = await store.prune(soon)
    expect(pruned).toContain(old)
    expect(pruned).not.toContain(going)
    expect(await store.findRun(old)).toBeUndefined()
    expect((await store.listRuns({ flow: 'pruned' })).runs.map(({ id }) => id)).toEqual([going])
  })
}

/** The memory store keeps a count of 0 for a state that was left; it means the same. */
function optionalZero(store: RunStore): object {
  return store.kind === 'memory' ? { Failed: 0 } : {}
}
