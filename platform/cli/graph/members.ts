import type { MemberExpression } from 'oxc-parser'
import { evaluate } from './expressions.ts'
import { keyOf } from './patterns.ts'
import type { Scope } from './scope.ts'
import { computedFrom, fieldOf, itemOf, join, Value } from './value.ts'
import type { Walk } from './walk.ts'

/** `object.name`, `object[name]`, as a value. */
export function evaluateMember(node: MemberExpression, scope: Scope, walk: Walk): Value {
  const object = evaluate(node.object, scope, walk)
  const key = keyOf(node.property, node.computed, scope, walk)
  if (key !== undefined) return memberOf(object, key)
  const at = evaluateKey(node, scope, walk)
  return at.from.size > 0 ? join([itemOf(object), computedFrom([at])]) : itemOf(object)
}

/** The member of that name: a part, or a function of the SDK or the language. */
export function memberOf(object: Value, name: string): Value {
  const named = object.callables.flatMap((callable) => {
    if (callable.kind === 'sdk' && callable.name === '*') return [Value.callable({ kind: 'sdk', name })]
    if (callable.kind === 'global') return [Value.callable({ kind: 'global', name: `${callable.name}.${name}` })]
    return []
  })
  return named.length > 0 ? join(named) : fieldOf(object, name)
}

function evaluateKey(node: MemberExpression, scope: Scope, walk: Walk): Value {
  return node.computed ? evaluate(node.property, scope, walk) : new Value()
}
