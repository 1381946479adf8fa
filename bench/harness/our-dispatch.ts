import { enqueue, findDeployment, isFinalRun, type PostgresStore, runOfDeployment } from '@millrace/engine'
import type { Bench } from './bench.ts'
import { type Dispatcher, type FirstLine, LIMIT } from './dispatcher.ts'
import type { Platform } from './platform.ts'
import { now } from './stamps.ts'
import { until } from './until.ts'

/** So long (ms) nothing may happen while runs wait. */
const STUCK = 60_000

/** What became of runs that were queued at once. */
export interface Fates {
  /** Runs a second, from the first claim to the last end. */
  readonly rate: number
  /** Runs that did not complete. */
  readonly lost: number
  /** Runs that were launched, or begun by a driver, more often than once. */
  readonly doubled: number
  /** Jobs of which something was left when it had long been time to remove it. */
  readonly left: number
}

/** Our platform with its agent, which starts processes. */
export class OurDispatch implements Dispatcher {
  private readonly platform: Platform

  private constructor(platform: Platform) {
    this.platform = platform
  }

  /** One run has been there, and has left compiled code and its bundle, as on a machine in use. */
  static async open(bench: Bench): Promise<OurDispatch> {
    const ours = new OurDispatch(await bench.platform(LIMIT))
    try {
      await ours.inTurn(1)
    } catch (error) {
      await ours.platform.close()
      throw error
    }
    return ours
  }

  async many(count: number): Promise<number> {
    return (await this.fates(count)).rate
  }

  async inTurn(count: number): Promise<FirstLine[]> {
    const all: FirstLine[] = []
    for (let i = 0; i < count; i++) all.push(await this.firstLine())
    return all
  }

  /** Queues runs, waits for their ends and for what they leave to be cleared away, and asks the database how they went. */
  async fates(count: number): Promise<Fates> {
    const { store } = this.platform
    const ids = await this.enqueue(count)
    await untilOver(store, ids)
    await until('no job is left', STUCK, async () => (await this.platform.jobs()).length === 0).catch(() => {})
    const [found] = await store.database.query<{ seconds: number; completed: number; doubled: number }>(
      `with launches as (select run, count(*) as count, min(opened) as opened from ledger group by run)
       select extract(epoch from max(r.ended) - min(l.opened))::float8 as seconds,
         (count(*) filter (where r.state = 'Completed'))::int as completed,
         (count(*) filter (where l.count > 1 or r.launch > 1 or r.attempt > 1))::int as doubled
       from flow_run r left join launches l on l.run = r.no where r.id = any($1)`,
      [ids],
    )
    if (!found) throw new Error('the database gave no row back')
    const { seconds, completed, doubled } = found
    const left = (await this.platform.jobs()).length
    return { rate: completed / seconds, lost: count - completed, doubled, left }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.platform.close()
  }

  private async enqueue(count: number): Promise<string[]> {
    const { store } = this.platform
    const deployment = await findDeployment(store.database, 'hello')
    if (!deployment) throw new Error('hello is not deployed')
    const queued = await enqueue(
      store,
      Array.from({ length: count }, () => runOfDeployment(deployment)),
    )
    return queued.map(({ run }) => run.id)
  }

  private async firstLine(): Promise<FirstLine> {
    const { platform } = this
    const { store } = platform
    const began = now()
    const [id = ''] = await this.enqueue(1)
    const found = Promise.withResolvers<FirstLine>()
    const look = async (): Promise<void> => {
      const line = (await store.logs(id)).find(({ message }) => message.startsWith('Hello'))
      if (line) found.resolve({ written: line.time - began, readable: now() - began })
    }
    found.promise.catch(() => {})
    const watch = (): void => void look().catch(found.reject)
    const unlisten = await store.listen(id, watch)
    watch()
    try {
      await until('the run is over', STUCK, async () => isFinalRun((await store.findRun(id))?.state ?? 'Scheduled'), 50)
      await look()
      found.reject(new Error(`run ${id} ended, and said nothing`))
      // Idle is when nothing of the last one is left.
      await until('no job is left', STUCK, async () => (await platform.jobs()).length === 0, 50)
      return await found.promise
    } finally {
      unlisten()
    }
  }
}

async function untilOver(store: PostgresStore, ids: readonly string[]): Promise<void> {
  let going = ids.length
  while (going > 0) {
    const before = going
    await until(
      'one more run ended',
      STUCK,
      async () => {
        const [row] = await store.database.query<{ going: number }>(
          `select count(*)::int as going from flow_run
           where id = any($1) and state not in ('Completed', 'Failed', 'Crashed', 'Cancelled')`,
          [ids],
        )
        going = row?.going ?? 0
        return going < before
      },
      200,
    )
  }
}
