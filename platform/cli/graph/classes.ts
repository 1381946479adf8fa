import type { Class } from 'oxc-parser'
import { evaluate } from './expressions.ts'
import { type Args, invoke, type Site } from './invoke.ts'
import { keyOf } from './patterns.ts'
import type { Scope } from './scope.ts'
import { Value } from './value.ts'
import { depthOf, type Walk } from './walk.ts'

/** A class, with its static parts. */
export function classOf(node: Class, scope: Scope, walk: Walk): Value {
  const inner = scope.inner()
  const value = Value.callable({ kind: 'class', node, scope: inner })
  if (node.id) inner.declare(node.id.name, value, depthOf(walk))
  value.fields = new Map()
  defineMembers(node, true, value, inner, walk)
  return value
}

/** What `new` makes: an object with the methods of the class, after its constructor was gone through. */
export function construct(node: Class, args: Args, scope: Scope, site: Site, walk: Walk): Value {
  const instance = Value.object([])
  fill(instance, node, args, scope, site, walk)
  return instance
}

function fill(instance: Value, node: Class, args: Args, scope: Scope, site: Site, walk: Walk): void {
  const above = node.superClass ? evaluate(node.superClass, scope, walk) : undefined
  const own = node.body.body.find((member) => member.type === 'MethodDefinition' && member.kind === 'constructor')
  const inner = scope.inner(true)
  inner.declare('this', instance, depthOf(walk))
  if (above) inner.declare('*super*', above, depthOf(walk))
  // A constructor of its own says with `super(…)` what the class above gets.
  if (above && !own) fillFrom(above, instance, args, site, walk)
  defineMembers(node, false, instance, inner, walk)
  if (own?.type === 'MethodDefinition') {
    const body = Value.callable({ kind: 'function', node: own.value, scope: inner })
    invoke(body, args, instance, site, walk)
  }
}

/** `super(…)` */
export function fillFrom(above: Value, instance: Value, args: Args, site: Site, walk: Walk): void {
  for (const callable of above.callables) {
    if (callable.kind === 'class') fill(instance, callable.node, args, callable.scope, site, walk)
  }
}

function defineMembers(node: Class, isStatic: boolean, on: Value, scope: Scope, walk: Walk): void {
  for (const member of node.body.body) {
    if (member.type === 'MethodDefinition' && member.static === isStatic && member.kind === 'method') {
      const key = keyOf(member.key, member.computed, scope, walk)
      if (key === undefined) continue
      on.fields?.set(key, Value.callable({ kind: 'function', node: member.value, scope }))
    } else if (member.type === 'PropertyDefinition' && member.static === isStatic && member.value) {
      const key = keyOf(member.key, member.computed, scope, walk)
      if (key !== undefined) on.fields?.set(key, evaluate(member.value, scope, walk))
    }
  }
}
