import type { Notice } from '@millrace/engine'
import type { Delivery, RunEnded } from './delivery.ts'
import { shortened } from './run-words.ts'

/** Pure: what goes out for a notice. Its id is the same for each attempt, and for no other end of this or another run. */
export function deliveryOf(notice: Notice): Delivery {
  const { id, to, secret, run } = notice
  return { id: `${run.id}-${id}`, to, event: runEnded(notice), ...(secret !== undefined && { secret }) }
}

function runEnded({ state, created, run }: Pick<Notice, 'state' | 'created' | 'run'>): RunEnded {
  const { id, flow, name, env, attempt, labels, deployment, queue, release, commit } = run
  // A run that was put back into its queue meanwhile has another message, and no end, by now.
  const isStill = run.state === state
  const ended = isStill ? (run.ended ?? created) : created
  return {
    type: 'run.ended',
    timestamp: iso(ended),
    data: {
      id,
      flow,
      name,
      state,
      ...(isStill && run.message !== undefined && { message: shortened(run.message) }),
      ...(deployment !== undefined && { deployment }),
      ...(queue !== undefined && { queue }),
      labels,
      env,
      attempt,
      ...(release !== undefined && { release }),
      ...(commit !== undefined && { commit }),
      created: iso(run.created),
      ...(run.started !== undefined && { started: iso(run.started) }),
      ended: iso(ended),
    },
  }
}

/** What tells somebody that it arrives. @param rule name of the rule that is tried */
export function testDelivery(rule: { name: string; to: string; secret?: string }, now: Date): Delivery {
  const { name, to, secret } = rule
  const at = now.toISOString()
  const message = `the rule ${name} reaches you`
  const data = {
    id: 'test',
    flow: 'test',
    name: 'test',
    state: 'Completed',
    message,
    labels: [],
    env: 'test',
    attempt: 1,
  }
  return {
    id: `test-${name.replaceAll(/[^\w-]/g, '-')}-${now.getTime()}`,
    to,
    event: { type: 'test', timestamp: at, data: { ...data, created: at } },
    ...(secret !== undefined && { secret }),
  }
}

function iso(time: number): string {
  return new Date(time).toISOString()
}
