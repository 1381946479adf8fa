import type { ArrowFunctionExpression, Function as FunctionNode } from 'oxc-parser'
import type { Callable } from './callable.ts'
import { declareFlow, declareTask } from './declare.ts'
import { evaluate } from './expressions.ts'
import { globalFunction } from './global-functions.ts'
import type { ModuleFile } from './module-file.ts'
import { bind } from './patterns.ts'
import type { Scope } from './scope.ts'
import { execute, hoist } from './statements.ts'
import { callTask } from './task-calls.ts'
import { absorb, computedFrom, join, listOf, promiseOf, traces, Value } from './value.ts'
import { type Activation, depthOf, giveBack, meanwhile, repeatedly, step, type Walk } from './walk.ts'

/** Calls of functions inside each other that are followed. */
const MOST_DEEP = 40

/** Arguments of a call. */
export interface Args {
  readonly list: readonly Value[]
  /** What further ones may be: `f(...xs)`. */
  readonly rest?: Value | undefined
}

/** A place in the code where something is called. */
export interface Site {
  readonly module: ModuleFile
  readonly start: number
}

/** What a call comes to: functions of the project are followed, task calls recorded. */
export function invoke(callee: Value, args: Args, receiver: Value | undefined, site: Site, walk: Walk): Value {
  const results = callee.callables.map((callable) => invokeOne(callable, callee, args, receiver, site, walk))
  return results.length > 0 ? join(results) : invokeUnknown([callee, ...(receiver ? [receiver] : [])], args, site, walk)
}

function invokeOne(
  callable: Callable,
  callee: Value,
  args: Args,
  receiver: Value | undefined,
  site: Site,
  walk: Walk,
): Value {
  switch (callable.kind) {
    case 'function':
      return follow(callable, args, receiver, site, walk)
    case 'flow':
      return invoke(callable.body, args, undefined, site, walk)
    case 'task':
      return callTask(callable.task, 1, args, site, walk)
    case 'sdk':
      if (callable.name === 'task') return declareTask(args)
      if (callable.name === 'flow') return declareFlow(args)
      break
    case 'global': {
      const result = globalFunction(callable.name, args, site, walk)
      if (result) return result
      break
    }
    case 'class':
      break
  }
  return invokeUnknown([callee, ...(receiver ? [receiver] : [])], args, site, walk)
}

/**
 * A function whose code is not at hand: its result is computed from all that it gets, and it may call what it gets.
 */
export function invokeUnknown(of: readonly Value[], args: Args, site: Site, walk: Walk): Value {
  const all = argsOf(args)
  const callbacks = all.filter(isCallback)
  const data = computedFrom([...of, ...all.filter((arg) => !isCallback(arg))])
  if (callbacks.length === 0) return data
  const callAll = (): Value[] =>
    callbacks.map((callback) => invoke(callback, { list: [], rest: data }, undefined, site, walk))
  const results = repeatedly(walk, new Set(), callAll, { once: true })
  const [only] = results
  // Most such functions hand on what their callback returns: a retry, a timer, a limit.
  return only && results.length === 1 && data.from.size === 0 ? only : computedFrom([data, ...results])
}

/** Whether a value is something that a function may call. */
export function isCallback(value: Value): boolean {
  return value.callables.some(({ kind }) => kind === 'function' || kind === 'task' || kind === 'flow')
}

/** All arguments, of those that are not told apart one for all. */
export function argsOf({ list, rest }: Args): Value[] {
  return rest ? [...list, rest] : [...list]
}

type Followed = Extract<Callable, { kind: 'function' }>

/** Goes through the code of a function, as if it stood at the place of the call. */
function follow({ node, scope }: Followed, args: Args, receiver: Value | undefined, site: Site, walk: Walk): Value {
  if (!node.body) return computedFrom(argsOf(args))
  const key = `${site.module.name}:${site.start}`
  const running = walk.active.find((each) => each.node === node && (each.site === key || isInside(site, node, scope)))
  if (running) return callAgain(running, args)
  if (walk.active.length >= MOST_DEEP || !step(walk)) {
    walk.record.complete = false
    return computedFrom(argsOf(args))
  }
  const activation: Activation = {
    node,
    site: key,
    depth: depthOf(walk),
    again: new Value(),
    returns: [],
    finished: new Set(),
    grew: false,
  }
  const { active, path } = walk
  walk.active = [...active, activation]
  walk.path = [...path, key]
  try {
    if (!node.async) return runBody(node, scope, args, receiver, activation, walk)
    const { result, finished } = meanwhile(walk, () => runBody(node, scope, args, receiver, activation, walk))
    return promiseOf(result, finished.union(activation.finished))
  } finally {
    walk.active = active
    walk.path = path
  }
}

function runBody(
  node: FunctionNode | ArrowFunctionExpression,
  outer: Scope,
  args: Args,
  receiver: Value | undefined,
  activation: Activation,
  walk: Walk,
): Value {
  const body = (again: readonly Value[]): void => {
    const scope = outer.inner(true)
    if (node.type !== 'ArrowFunctionExpression' && receiver) scope.declare('this', receiver, depthOf(walk))
    bindParameters(node, args, again, scope, walk)
    if (node.body?.type === 'BlockStatement') {
      hoist(node.body.body, scope)
      execute(node.body.body, scope, walk)
    } else if (node.body) giveBack(evaluate(node.body, scope, walk), walk)
  }
  body([])
  if (activation.grew) {
    walk.loops++
    // What it gave itself is now known; a second time is enough for it to reach every call.
    body([activation.again])
    walk.loops--
  }
  const result = join(activation.returns)
  return node.generator ? listOf(result) : result
}

function bindParameters(
  node: FunctionNode | ArrowFunctionExpression,
  { list, rest }: Args,
  again: readonly Value[],
  scope: Scope,
  walk: Walk,
): void {
  for (const [index, parameter] of node.params.entries()) {
    const arg = join([list[index] ?? rest ?? new Value(), ...again])
    if (parameter.type === 'RestElement') {
      const others = list.slice(index)
      const all =
        rest || again.length > 0 ? listOf(join([...others, ...(rest ? [rest] : []), ...again])) : Value.list(others)
      bind(parameter.argument, all, scope, walk, 'const')
    } else bind(parameter.type === 'TSParameterProperty' ? parameter.parameter : parameter, arg, scope, walk, 'const')
  }
}

/** A function that calls itself: it is not gone into again, but what it gives itself is kept. */
function callAgain(activation: Activation, args: Args): Value {
  const data = computedFrom(argsOf(args))
  if (absorb(activation.again, traces(data))) activation.grew = true
  return computedFrom([data, activation.again, ...activation.returns])
}

function isInside(site: Site, node: { start: number; end: number }, scope: Scope): boolean {
  return site.module === scope.module && site.start >= node.start && site.start < node.end
}
