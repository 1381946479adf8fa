import type {
  AssignmentTarget,
  AssignmentTargetMaybeDefault,
  BindingPattern,
  Expression,
  PropertyKey,
} from 'oxc-parser'
import { evaluate } from './expressions.ts'
import type { Scope } from './scope.ts'
import { computedFrom, fieldOf, isNothing, itemAt, itemsOf, join, listOf, setField, traces, Value } from './value.ts'
import { assign, conditionSince, depthOf, put, shaded, type Walk } from './walk.ts'

/** What may stand left of "=": a name, a pattern, a member of an object. */
export type Target = BindingPattern | AssignmentTarget | AssignmentTargetMaybeDefault

/** How names are bound: declared, or given another value. */
export type Binding = 'const' | 'let' | 'var' | 'assign'

/** Gives the names of a pattern the parts of a value. */
export function bind(target: Target, value: Value, scope: Scope, walk: Walk, how: Binding): void {
  switch (target.type) {
    case 'Identifier':
      bindName(target.name, value, scope, walk, how)
      return
    case 'AssignmentPattern': {
      const fallback = evaluate(target.right, scope, walk)
      bind(target.left, isNothing(value) ? fallback : join([value, fallback]), scope, walk, how)
      return
    }
    case 'ArrayPattern':
      for (const [index, element] of target.elements.entries()) {
        if (!element) continue
        if (element.type === 'RestElement') bind(element.argument, itemsFrom(value, index), scope, walk, how)
        else bind(element, itemAt(value, index), scope, walk, how)
      }
      return
    case 'ObjectPattern': {
      const taken: string[] = []
      for (const property of target.properties) {
        if (property.type === 'RestElement') {
          bind(property.argument, without(value, taken), scope, walk, how)
          continue
        }
        const key = keyOf(property.key, property.computed, scope, walk)
        if (key !== undefined) taken.push(key)
        bind(property.value, key === undefined ? computedFrom([value]) : fieldOf(value, key), scope, walk, how)
      }
      return
    }
    case 'MemberExpression': {
      const object = evaluate(target.object, scope, walk)
      const key = keyOf(target.property, target.computed, scope, walk)
      const shade = shaded(value, conditionSince(walk, 0))
      if (key === undefined) put(object, traces(shade), walk)
      else if (setField(object, key, shade)) walk.changed = true
      return
    }
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
    case 'TSNonNullExpression':
    case 'TSTypeAssertion':
      bind(target.expression as AssignmentTarget, value, scope, walk, how)
  }
}

function bindName(name: string, value: Value, scope: Scope, walk: Walk, how: Binding): void {
  if (how === 'assign') {
    const cell = scope.find(name)
    if (cell) assign(cell, value, walk)
  } else if (how === 'var') {
    const known = scope.ofFunction.find(name)
    if (known) assign(known, value, walk)
    else scope.ofFunction.declare(name, value, 0)
  } else scope.declare(name, value, depthOf(walk))
}

/** The name of a part: as it stands in the code, or a constant in brackets. */
export function keyOf(key: PropertyKey | Expression, computed: boolean, scope: Scope, walk: Walk): string | undefined {
  if (key.type === 'PrivateIdentifier') return `#${key.name}`
  if (!computed && key.type === 'Identifier') return key.name
  return evaluate(key as Expression, scope, walk).text
}

/** The names that a pattern declares. */
export function boundNames(pattern: BindingPattern): string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name]
    case 'AssignmentPattern':
      return boundNames(pattern.left)
    case 'ArrayPattern':
      return pattern.elements.flatMap((element) => {
        if (!element) return []
        return boundNames(element.type === 'RestElement' ? element.argument : element)
      })
    case 'ObjectPattern':
      return pattern.properties.flatMap((property) =>
        boundNames(property.type === 'RestElement' ? property.argument : property.value),
      )
  }
}

function itemsFrom(value: Value, index: number): Value {
  const items = itemsOf(value)
  return items ? Value.list(items.slice(index)) : listOf(itemAt(value, index))
}

function without(value: Value, names: readonly string[]): Value {
  if (!value.fields || value.isList) return computedFrom([value])
  const rest = Value.object([...value.fields].filter(([name]) => !names.includes(name)))
  for (const id of value.from) rest.from.add(id)
  return rest
}
