import { UserError } from '@millrace/sdk'
import { jsonText } from '../postgres/json.ts'
import { CHANNEL, isLocked } from '../postgres/locks.ts'
import { flowRunOf, RUN_COLUMNS, type RunRow } from '../postgres/run-row.ts'
import type { PostgresStore } from '../postgres/run-store.ts'
import { RESUMABLE } from '../states.ts'
import type { FlowRun } from '../store/run-store.ts'
import { HOLDS_KEY, lockEnqueue } from './enqueue.ts'

/**
 * Puts a run that failed, crashed or was cancelled back into its queue. What its journal has is not run again.
 * @throws UserError when it cannot go back, with what to do instead
 */
export async function retryRun(store: PostgresStore, id: string, { by }: { readonly by: string }): Promise<FlowRun> {
  const found = await store.findRun(id)
  if (!found) throw new UserError(`there is no run ${id}`)
  // Not repeated where an answer was lost: the second time it waits already, which is no mistake of whoever asked.
  const retried = await store.database.transaction(async (query) => {
    await lockEnqueue(query)
    const [rival] = await query<{ id: string }>(
      `select r.id from flow_run own, flow_run r where own.id = $1 and own.key_scope in ('queued', 'active')
         and coalesce(r.deployment, ' ' || r.flow) = coalesce(own.deployment, ' ' || own.flow)
         and r.key = own.key and r.key_scope = own.key_scope and r.no <> own.no and ${HOLDS_KEY} limit 1`,
      [found.id],
    )
    if (rival) {
      throw new UserError(
        `run ${found.id} cannot be queued again: run ${rival.id} has the same key, and is not over`,
        `Wait for it, or cancel it: millrace runs cancel ${rival.id}`,
      )
    }
    const [row] = await query<RunRow>(
      `with queued as (
         update flow_run set state = 'Scheduled', message = $2, failure = null, started = null, ended = null,
           queued = now(), not_before = null, restarts = 0, driver = null, driver_missing = null
         where id = $1 and queue is not null and state = any($3) and not ${isLocked('driver', 'no')}
         returning ${RUN_COLUMNS}),
       told as (select pg_notify('millrace_run_' || no, 'state'), pg_notify('${CHANNEL.dispatch}', 'queued') from queued)
       select queued.* from queued, told`,
      [found.id, `queued again by ${by}`, RESUMABLE],
    )
    return row && flowRunOf(row)
  })
  if (!retried) throw refusal((await store.findRun(found.id)) ?? found)
  return retried
}

function refusal({ id, flow, deployment, state, queue, params }: FlowRun): UserError {
  if (queue === undefined) {
    return new UserError(`run ${id} was never in a queue`, `Go on with it here: millrace resume ${id}`)
  }
  if (state === 'Completed') {
    const again = `millrace run ${deployment ?? flow} --remote${Object.keys(params).length > 0 ? ` --params-file - <<< '${jsonText(params)}'` : ''}`
    return new UserError(`run ${id} is Completed: there is nothing to try again`, `Start another one: ${again}`)
  }
  if (state === 'Scheduled') return new UserError(`run ${id} waits in the queue ${queue} already`)
  return new UserError(
    `run ${id} is ${state}: only a run that failed, crashed or was cancelled, and has no driver any more, can be queued again`,
  )
}
