import type { ArrayExpression, Expression, ObjectExpression, TemplateLiteral } from 'oxc-parser'
import { evaluateCall, evaluateNew } from './calls.ts'
import { classOf } from './classes.ts'
import { evaluateMember } from './members.ts'
import { lookUp } from './module-scope.ts'
import { bind, keyOf } from './patterns.ts'
import type { Scope } from './scope.ts'
import { computedFrom, itemsOf, join, settledBy, traces, Value } from './value.ts'
import { eitherOf, giveBack, shaded, step, under, type Walk } from './walk.ts'

/** What an expression comes to; the task calls in it are recorded. */
export function evaluate(node: Expression, scope: Scope, walk: Walk): Value {
  if (!step(walk)) return new Value()
  switch (node.type) {
    case 'Identifier':
      if (node.name === 'undefined') return new Value()
      if (node.name === 'Infinity') return Value.constant(node.name)
      return lookUp(scope, node.name, walk) ?? Value.callable({ kind: 'global', name: node.name })
    case 'ThisExpression':
    case 'Super':
      return lookUp(scope, 'this', walk) ?? new Value()
    case 'Literal':
      return node.value === null ? new Value() : Value.constant(String(node.value))
    case 'TemplateLiteral':
      return evaluateTemplate(node, scope, walk)
    case 'TaggedTemplateExpression':
      return computedFrom([evaluate(node.tag, scope, walk), evaluateTemplate(node.quasi, scope, walk)])
    case 'ArrayExpression':
      return evaluateArray(node, scope, walk)
    case 'ObjectExpression':
      return evaluateObject(node, scope, walk)
    case 'FunctionExpression':
    case 'FunctionDeclaration':
    case 'ArrowFunctionExpression':
      return Value.callable({ kind: 'function', node, scope })
    case 'ClassExpression':
    case 'ClassDeclaration':
      return classOf(node, scope, walk)
    case 'MemberExpression':
      return evaluateMember(node, scope, walk)
    case 'CallExpression':
      return evaluateCall(node, scope, walk)
    case 'NewExpression':
      return evaluateNew(node, scope, walk)
    case 'AwaitExpression': {
      const value = evaluate(node.argument, scope, walk)
      for (const id of settledBy(value)) walk.finished.add(id)
      return value
    }
    case 'AssignmentExpression': {
      const value = evaluate(node.right, scope, walk)
      const all = node.operator === '=' ? value : join([value, evaluate(node.left as Expression, scope, walk)])
      bind(node.left, all, scope, walk, 'assign')
      return all
    }
    case 'UpdateExpression': {
      const value = computedFrom([evaluate(node.argument as Expression, scope, walk)])
      bind(node.argument, value, scope, walk, 'assign')
      return value
    }
    case 'ConditionalExpression': {
      const test = traces(evaluate(node.test, scope, walk))
      const way = (branch: Expression) => (): Value => under(walk, test, () => evaluate(branch, scope, walk))
      return shaded(join(eitherOf(walk, [way(node.consequent), way(node.alternate)])), test)
    }
    case 'LogicalExpression': {
      const left = evaluate(node.left, scope, walk)
      const right = (): Value => under(walk, traces(left), () => evaluate(node.right, scope, walk))
      return join(eitherOf(walk, [() => left, right]))
    }
    case 'BinaryExpression':
      return computedFrom([
        ...(node.left.type === 'PrivateIdentifier' ? [] : [evaluate(node.left, scope, walk)]),
        evaluate(node.right, scope, walk),
      ])
    case 'UnaryExpression':
      return computedFrom([evaluate(node.argument, scope, walk)])
    case 'SequenceExpression':
      return node.expressions.map((each) => evaluate(each, scope, walk)).at(-1) ?? new Value()
    case 'YieldExpression': {
      const value = node.argument ? evaluate(node.argument, scope, walk) : new Value()
      giveBack(value, walk)
      return new Value()
    }
    case 'ChainExpression':
    case 'ParenthesizedExpression':
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
    case 'TSTypeAssertion':
    case 'TSNonNullExpression':
    case 'TSInstantiationExpression':
      return evaluate(node.expression, scope, walk)
    default:
      return new Value()
  }
}

function evaluateTemplate(node: TemplateLiteral, scope: Scope, walk: Walk): Value {
  const values = node.expressions.map((each) => evaluate(each, scope, walk))
  const result = computedFrom(values)
  const texts = values.map(({ text }) => text)
  if (texts.every((text) => text !== undefined)) {
    result.text = node.quasis.map(({ value }, index) => `${value.cooked ?? value.raw}${texts[index] ?? ''}`).join('')
  }
  return result
}

function evaluateArray(node: ArrayExpression, scope: Scope, walk: Walk): Value {
  const items: Value[] = []
  let whole = true
  for (const element of node.elements) {
    if (element === null) items.push(new Value())
    else if (element.type !== 'SpreadElement') items.push(evaluate(element, scope, walk))
    else {
      const spread = evaluate(element.argument, scope, walk)
      const known = itemsOf(spread)
      if (known) items.push(...known)
      else {
        items.push(computedFrom([spread]))
        whole = false
      }
    }
  }
  return whole ? Value.list(items) : computedFrom(items)
}

function evaluateObject(node: ObjectExpression, scope: Scope, walk: Walk): Value {
  const result = Value.object([])
  for (const property of node.properties) {
    if (property.type === 'SpreadElement') {
      const spread = evaluate(property.argument, scope, walk)
      for (const id of spread.from) result.from.add(id)
      for (const [name, field] of spread.fields ?? []) result.fields?.set(name, field)
      continue
    }
    const key = keyOf(property.key, property.computed, scope, walk)
    const value = evaluate(property.value, scope, walk)
    if (key !== undefined) result.fields?.set(key, value)
    else for (const id of traces(value)) result.from.add(id)
  }
  return result
}
