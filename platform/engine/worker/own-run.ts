import type { Database } from '../postgres/database.ts'
import { CHANNEL } from '../postgres/locks.ts'
import { isFinalRun, type RunState } from '../states.ts'

/** A driver that only lost its connection may come back to a run that was given up as Crashed; for so long (s) it tries. */
const DRIVER_MAY_RETURN = 60

/** The run that a worker was launched with. */
export interface OwnRunOptions {
  readonly id: string
  /** The launch that brought the worker: when the run is launched again, that brings workers of its own. */
  readonly launch?: number | undefined
}

/** What is to be known of a run in order to know whether its workers are needed. */
interface RunNow {
  readonly state: RunState
  readonly launch: number
  /** It is Crashed because its driver was not to be seen, a short while ago. */
  readonly mayReturn: boolean
}

/** The one run that a worker is there for, and whether it still goes. */
export class OwnRun {
  /** Where it is told that the run's state has changed. None, when there is no such run. */
  readonly channels: readonly string[]
  private readonly database: Database
  private readonly options: OwnRunOptions

  private constructor(database: Database, options: OwnRunOptions, channels: readonly string[]) {
    this.database = database
    this.options = options
    this.channels = channels
  }

  static async find(database: Database, options: OwnRunOptions): Promise<OwnRun> {
    const rows = await database.query<{ no: number }>('select no from flow_run where id = $1', [options.id])
    return new OwnRun(
      database,
      options,
      rows.map(({ no }) => CHANNEL.run(no)),
    )
  }

  /** Why the run needs this worker no more, in a sentence; undefined while it does. */
  async whyOver(): Promise<string | undefined> {
    const [now] = await this.database.query<RunNow & Record<string, unknown>>(
      `select state, launch, state = 'Crashed' and driver_missing is not null
         and ended > now() - $2 * interval '1 s' as "mayReturn" from flow_run where id = $1`,
      [this.options.id, DRIVER_MAY_RETURN],
      { name: 'own-run' },
    )
    return whyOver(this.options, now)
  }
}

/** Pure: why a run needs the workers of a launch no more. @param now undefined: there is no such run */
export function whyOver({ id, launch }: OwnRunOptions, now: RunNow | undefined): string | undefined {
  if (!now) return `there is no run ${id} any more`
  if (launch !== undefined && now.launch !== launch) return `run ${id} was launched again: launch ${now.launch}`
  if (now.state === 'Scheduled') return `run ${id} is back in its queue`
  if (isFinalRun(now.state) && !now.mayReturn) return `run ${id} is ${now.state}`
  return undefined
}
