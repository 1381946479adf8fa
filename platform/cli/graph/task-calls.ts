import type { DeclaredTask } from './callable.ts'
import { type Args, argsOf, type Site } from './invoke.ts'
import { computedFrom, itemsOf, traces, Value } from './value.ts'
import type { Walk } from './walk.ts'

/** Writes down a call of a task. @returns its result */
export function callTask(task: DeclaredTask, times: number | 'many', args: Args, site: Site, walk: Walk): Value {
  const data = computedFrom(argsOf(args))
  // A task that is called at the top of a module just runs: it is in no flow run.
  if (!walk.recording) return data
  const key = [...walk.path, `${site.module.name}:${site.start}`, task.name].join(' ')
  const call = { task, times: walk.loops > 0 ? ('many' as const) : times, conditional: walk.branches > 0 }
  return new Value([walk.record.add(key, call, traces(data), walk.finished)])
}

/** `task.map(…)`, `task.with(…)` and the like; undefined for what is no method of tasks. */
export function callTaskMethod(
  task: DeclaredTask,
  method: string,
  args: Args,
  site: Site,
  walk: Walk,
): Value | undefined {
  const [first] = args.list
  switch (method) {
    case 'map':
    case 'mapSettled':
      return callTask(task, (first && itemsOf(first)?.length) ?? 'many', args, site, walk)
    case 'submit':
      return callTask(task, 1, args, site, walk)
    case 'with':
      return withOptions(task, first?.fields ?? [])
    case 'limit':
      return withOptions(task, [['limit', first ?? new Value()]])
    default:
      return undefined
  }
}

function withOptions(task: DeclaredTask, options: Iterable<readonly [string, Value]>): Value {
  return Value.callable({ kind: 'task', task: { ...task, options: new Map([...task.options, ...options]) } })
}
