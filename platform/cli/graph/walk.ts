import type { CallRecord } from './call-record.ts'
import type { Cell, Scope } from './scope.ts'
import { absorb, isNothing, join, traces, Value } from './value.ts'

/** Rounds of a loop that are followed: what one round leaves behind reaches the next. */
const MOST_ROUNDS = 4
/** Expressions that are looked at before it is given up. */
const MOST_STEPS = 1_000_000

/** One call of a function of the project that is being followed. */
export interface Activation {
  readonly node: object
  readonly site: string
  /** How deep in branches and loops it was called. */
  readonly depth: number
  /** Data that calls of it by itself gave it. */
  readonly again: Value
  readonly returns: Value[]
  /** Calls that may be done when it returns. */
  readonly finished: Set<number>
  /** A call of it by itself gave it something new. */
  grew: boolean
}

/** Where the walk through the flow's code stands. */
export interface Walk {
  readonly record: CallRecord
  readonly modules: Map<string, Scope>
  /** Off for code outside the flow function: what is called there belongs to no run. */
  recording: boolean
  /** Calls that are done when the code gets here. */
  finished: Set<number>
  /** For each branch, loop and callback around this code: the calls that its condition was computed from. */
  conditions: readonly ReadonlySet<number>[]
  /** How many of them may be passed by. */
  branches: number
  /** How many of them may be gone through many times. */
  loops: number
  /** Call sites of the functions the walk is in, outermost first. */
  path: readonly string[]
  active: readonly Activation[]
  /** Something outside a loop was changed in it. */
  changed: boolean
  steps: number
}

export function startWalk(record: CallRecord): Walk {
  return { record, modules: new Map(), steps: 0, changed: false, ...outside(), recording: true }
}

/** Not in any function, branch or loop. */
function outside(): Omit<Walk, 'record' | 'modules' | 'steps' | 'changed'> {
  return { recording: false, finished: new Set(), conditions: [], branches: 0, loops: 0, path: [], active: [] }
}

/** Counts a step. @returns whether there is room for more */
export function step(walk: Walk): boolean {
  walk.steps++
  if (walk.steps <= MOST_STEPS) return true
  walk.record.complete = false
  return false
}

/** How many branches, loops and callbacks are around this code. */
export function depthOf(walk: Walk): number {
  return walk.conditions.length
}

/** Looks at code that is not part of the flow's course: the top of a module. */
export function aside<T>(walk: Walk, body: () => T): T {
  const { recording, finished, conditions, branches, loops, path, active } = walk
  Object.assign(walk, outside())
  try {
    return body()
  } finally {
    Object.assign(walk, { recording, finished, conditions, branches, loops, path, active })
  }
}

/**
 * Looks at code that runs only under a condition computed from these calls.
 * @param sure the code is not likely to be passed by: the body of a loop
 */
export function under<T>(
  walk: Walk,
  condition: ReadonlySet<number>,
  body: () => T,
  { sure = false }: { sure?: boolean } = {},
): T {
  const { conditions, branches } = walk
  walk.conditions = [...conditions, condition]
  if (!sure) walk.branches++
  try {
    return body()
  } finally {
    walk.conditions = conditions
    walk.branches = branches
  }
}

/**
 * Looks at code that runs any number of times, again and again until a round leaves nothing new.
 * @param once it is more likely to run just once: a callback of some function
 */
export function repeatedly<T>(
  walk: Walk,
  over: ReadonlySet<number>,
  body: () => T,
  { once = false }: { once?: boolean } = {},
): T {
  const { conditions, changed, loops } = walk
  walk.conditions = [...conditions, over]
  if (!once) walk.loops++
  try {
    let result: T
    let round = 0
    let ever = changed
    do {
      walk.changed = false
      result = body()
      ever ||= walk.changed
    } while (walk.changed && ++round < MOST_ROUNDS && step(walk))
    // For a loop around this one it is a change too.
    walk.changed = ever
    return result
  } finally {
    walk.conditions = conditions
    walk.loops = loops
  }
}

/** Looks at the ways the code may take, each as if there were no other. @param ways say whether they end the function */
export function eitherOf<T>(walk: Walk, ways: readonly (() => T)[], ends: (result: T) => boolean = () => false): T[] {
  const before = walk.finished
  const after = new Set<number>()
  let some = false
  const results = ways.map((way) => {
    walk.finished = new Set(before)
    const result = way()
    if (!ends(result)) {
      some = true
      for (const id of walk.finished) after.add(id)
    }
    return result
  })
  walk.finished = some ? after : before
  return results
}

/** Looks at code that runs at some other time: what it waits for, the code here has not waited for. */
export function meanwhile<T>(walk: Walk, body: () => T): { result: T; finished: ReadonlySet<number> } {
  const before = walk.finished
  walk.finished = new Set(before)
  try {
    const result = body()
    return { result, finished: walk.finished.difference(before) }
  } finally {
    walk.finished = before
  }
}

/** Calls that decide whether code comes here, from a depth on. */
export function conditionSince(walk: Walk, depth: number): Set<number> {
  const all = new Set<number>()
  for (const condition of walk.conditions.slice(depth)) for (const id of condition) all.add(id)
  return all
}

/** A constant that is chosen by a condition tells of the condition: it counts as computed from that. */
export function shaded(value: Value, condition: ReadonlySet<number>): Value {
  if (condition.size === 0 || value.fields || value.callables.length > 0 || value.from.size > 0) return value
  return join([new Value(condition), value])
}

/** Hands out a value of the function the walk is in: `return`, `yield`. */
export function giveBack(value: Value, walk: Walk): void {
  const activation = walk.active.at(-1)
  if (!activation) return
  activation.returns.push(shaded(value, conditionSince(walk, activation.depth)))
  for (const id of walk.finished) activation.finished.add(id)
}

/** Puts data into a value. */
export function put(target: Value, ids: ReadonlySet<number>, walk: Walk): void {
  if (absorb(target, ids)) walk.changed = true
}

/** Gives a variable a value; from inside a branch or loop it may also keep the one it had. */
export function assign(cell: Cell, value: Value, walk: Walk): void {
  if (cell.depth >= depthOf(walk)) {
    cell.value = value
    return
  }
  const shade = shaded(value, conditionSince(walk, cell.depth))
  if (isNothing(shade) || shade === cell.value) return
  const joined = join([cell.value, shade])
  const news = !traces(joined).isSubsetOf(traces(cell.value))
  if (news || joined.callables.length > cell.value.callables.length) walk.changed = true
  cell.value = joined
}
