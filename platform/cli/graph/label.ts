import type { TaskCall } from './task-graph.ts'

/** What stands in the box of a call: the task's name, and what else is worth knowing, in small lines below. */
export function labelOf(call: TaskCall): { readonly title: string; readonly small: readonly string[] } {
  const times = call.times === 'many' ? '× N' : call.times === 1 ? '' : `× ${call.times}`
  return {
    title: call.number === undefined ? call.task : `${call.task} ${call.number}`,
    small: [...(times ? [times] : []), ...(call.conditional ? ['conditional'] : []), ...call.settings],
  }
}

/** Whether it stands for several task runs. */
export function isStack(call: TaskCall): boolean {
  return call.times !== 1
}
