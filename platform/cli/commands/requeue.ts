import { LAUNCHERS } from '@millrace/agents'
import { changeQueued, type FlowRun, type QueuedChange, retryRun, whyWaiting } from '@millrace/engine'
import { UserError } from '@millrace/sdk'
import { wholeNumber } from '../input/numbers.ts'
import { print, printJson } from '../output/print.ts'
import { person } from '../person.ts'
import { findRun } from '../project.ts'
import { withStore } from '../with-store.ts'

interface RequeueOptions {
  readonly database?: string
  readonly json?: boolean
}

/** `millrace runs retry RUN` */
export async function retry(id: string, options: RequeueOptions): Promise<void> {
  const by = await person()
  await withStore(options, async (store) => {
    const run = await retryRun(store, (await findRun(store, id)).id, { by })
    show(run, await whyWaiting(store.database, run.id), options)
  })
}

interface MoveOptions extends RequeueOptions {
  readonly label?: readonly string[]
  readonly launcher?: string
  readonly queue?: string
  readonly priority?: string
}

/** `millrace runs move RUN` */
export async function move(id: string, options: MoveOptions): Promise<void> {
  const change = readChange(options)
  await withStore(options, async (store) => {
    const run = await findRun(store, id)
    const moved = await changeQueued(store.database, run.id, change)
    if (!moved) {
      const { state } = (await store.findRun(run.id)) ?? run
      throw new UserError(`run ${run.id} is ${state}: only one that waits in a queue can be moved`)
    }
    show(moved, await whyWaiting(store.database, run.id), options)
  })
}

/** Labels that a person chose say where a run runs, however it is launched there; so with them any launcher will do. */
function readChange({ label, launcher, queue, priority }: MoveOptions): QueuedChange {
  if (launcher !== undefined && launcher !== 'any' && !LAUNCHERS.some((each) => each === launcher)) {
    throw new UserError(`--launcher: there is no launcher "${launcher}"`, `Launchers: any, ${LAUNCHERS.join(', ')}.`)
  }
  const change = {
    ...(label && { labels: label, launcher: null }),
    ...(launcher !== undefined && { launcher: launcher === 'any' ? null : launcher }),
    ...(queue !== undefined && { queue }),
    ...(priority !== undefined && { priority: wholeNumber(priority, '--priority') }),
  }
  if (Object.keys(change).length > 0) return change
  throw new UserError('where is the run to go? Say --label, --launcher, --queue or --priority')
}

function show(run: FlowRun, why: string | undefined, { json = false }: RequeueOptions): void {
  const { source: _source, ...facts } = run
  if (json) printJson({ ...facts, ...(why !== undefined && { why }) })
  else print(`${run.id} ${run.name} waits in the queue ${run.queue}${why === undefined ? '' : `: ${why}`}`)
}
