import type { Argument, CallExpression, Expression, MemberExpression, NewExpression } from 'oxc-parser'
import { construct, fillFrom } from './classes.ts'
import { evaluate } from './expressions.ts'
import { type Args, invoke, invokeUnknown, type Site } from './invoke.ts'
import { memberOf } from './members.ts'
import { callMethod } from './methods.ts'
import { lookUp } from './module-scope.ts'
import { keyOf } from './patterns.ts'
import type { Scope } from './scope.ts'
import { callTaskMethod } from './task-calls.ts'
import { itemOf, itemsOf, join, Value } from './value.ts'
import type { Walk } from './walk.ts'

/** `f(x)`, `object.method(x)`, `super(x)` */
export function evaluateCall(node: CallExpression, scope: Scope, walk: Walk): Value {
  const site = { module: scope.module, start: node.start }
  const callee = bare(node.callee)
  if (callee.type === 'Super') {
    const above = lookUp(scope, '*super*', walk)
    const instance = lookUp(scope, 'this', walk)
    const args = evaluateArgs(node.arguments, scope, walk)
    if (above && instance) fillFrom(above, instance, args, site, walk)
    return new Value()
  }
  if (callee.type === 'MemberExpression') return callMember(callee, node, site, scope, walk)
  const called = evaluate(callee, scope, walk)
  return invoke(called, evaluateArgs(node.arguments, scope, walk), undefined, site, walk)
}

/** `new X(…)` */
export function evaluateNew(node: NewExpression, scope: Scope, walk: Walk): Value {
  const site = { module: scope.module, start: node.start }
  const callee = evaluate(node.callee, scope, walk)
  const args = evaluateArgs(node.arguments, scope, walk)
  const made = callee.callables.flatMap((callable) =>
    callable.kind === 'class' ? [construct(callable.node, args, callable.scope, site, walk)] : [],
  )
  return made.length > 0 ? join(made) : invokeUnknown([], args, site, walk)
}

function callMember(callee: MemberExpression, node: CallExpression, site: Site, scope: Scope, walk: Walk): Value {
  const object = evaluate(callee.object, scope, walk)
  const name = keyOf(callee.property, callee.computed, scope, walk)
  const args = evaluateArgs(node.arguments, scope, walk)
  if (name === undefined) {
    const member = itemOf(object)
    return member.callables.length > 0
      ? invoke(member, args, object, site, walk)
      : invokeUnknown([object], args, site, walk)
  }
  const ofTasks = object.callables.flatMap((callable) =>
    callable.kind === 'task' ? (callTaskMethod(callable.task, name, args, site, walk) ?? []) : [],
  )
  if (ofTasks.length > 0) return join(ofTasks)
  const member = memberOf(object, name)
  if (member.callables.length > 0) return invoke(member, args, object, site, walk)
  return callMethod(name, object, args, site, walk) ?? invokeUnknown([object], args, site, walk)
}

function evaluateArgs(nodes: readonly Argument[], scope: Scope, walk: Walk): Args {
  const list: Value[] = []
  const rest: Value[] = []
  for (const node of nodes) {
    if (node.type !== 'SpreadElement') {
      const value = evaluate(node, scope, walk)
      // Behind a list of unknown length an argument may have any position.
      if (rest.length > 0) rest.push(value)
      else list.push(value)
      continue
    }
    const spread = evaluate(node.argument, scope, walk)
    const items = itemsOf(spread)
    if (items && rest.length === 0) list.push(...items)
    else rest.push(items ? join(items) : itemOf(spread))
  }
  return rest.length > 0 ? { list, rest: join(rest) } : { list }
}

/** Without the wrapping that only types and `?.` make. */
function bare(node: Expression): Expression {
  if (
    node.type === 'ChainExpression' ||
    node.type === 'TSNonNullExpression' ||
    node.type === 'TSAsExpression' ||
    node.type === 'TSSatisfiesExpression' ||
    node.type === 'TSInstantiationExpression'
  ) {
    return bare(node.expression)
  }
  return node
}
