import type { ForInStatement, ForOfStatement, Program, Statement, VariableDeclaration } from 'oxc-parser'
import { classOf } from './classes.ts'
import { evaluate } from './expressions.ts'
import { bind, type Target } from './patterns.ts'
import type { Scope } from './scope.ts'
import { computedFrom, itemOf, settledBy, traces, Value } from './value.ts'
import { eitherOf, giveBack, repeatedly, step, under, type Walk } from './walk.ts'

type AnyStatement = Statement | Program['body'][number]

/** Declares the functions of a block, which can be called above where they stand. */
export function hoist(statements: readonly AnyStatement[], scope: Scope): void {
  for (const statement of statements) {
    if (statement.type === 'FunctionDeclaration' && statement.id && statement.body) {
      scope.declare(statement.id.name, Value.callable({ kind: 'function', node: statement, scope }), 0)
    }
  }
}

/** Goes through statements in order. @returns whether they leave the function, whatever happens */
export function execute(statements: readonly AnyStatement[], scope: Scope, walk: Walk): boolean {
  const { branches } = walk
  try {
    return statements.some((statement) => {
      const { visits } = walk.record
      const returns = walk.active.at(-1)?.returns.length
      const left = executeOne(statement, scope, walk)
      // After "if (small) return await quick()", the rest is the other branch; after a mere guard it is the rule.
      if (!left && walk.record.visits > visits && walk.active.at(-1)?.returns.length !== returns) walk.branches++
      return left
    })
  } finally {
    walk.branches = branches
  }
}

function executeOne(node: AnyStatement, scope: Scope, walk: Walk): boolean {
  if (!step(walk)) return true
  switch (node.type) {
    case 'ExpressionStatement':
      evaluate(node.expression, scope, walk)
      return false
    case 'VariableDeclaration':
      declare(node, scope, walk)
      return false
    case 'ClassDeclaration':
      if (node.id) bind(node.id, classOf(node, scope, walk), scope, walk, 'const')
      return false
    case 'ReturnStatement':
      giveBack(node.argument ? evaluate(node.argument, scope, walk) : new Value(), walk)
      return true
    case 'ThrowStatement':
      evaluate(node.argument, scope, walk)
      return true
    case 'BlockStatement': {
      const inner = scope.inner()
      hoist(node.body, inner)
      return execute(node.body, inner, walk)
    }
    case 'IfStatement': {
      const test = traces(evaluate(node.test, scope, walk))
      const way = (branch: Statement | null) => (): boolean =>
        branch ? under(walk, test, () => executeOne(branch, scope.inner(), walk)) : false
      return eitherOf(walk, [way(node.consequent), way(node.alternate)], (left) => left).every(Boolean)
    }
    case 'SwitchStatement': {
      const test = traces(evaluate(node.discriminant, scope, walk))
      const inner = scope.inner()
      const ways = node.cases.map((each) => (): boolean => {
        if (each.test) evaluate(each.test, inner, walk)
        return under(walk, test, () => execute(each.consequent, inner, walk))
      })
      const whole = node.cases.some((each) => each.test === null)
      const left = eitherOf(walk, whole ? ways : [...ways, () => false], (ends) => ends)
      return left.every(Boolean)
    }
    case 'ForOfStatement':
      executeForOf(node, scope, walk)
      return false
    case 'ForInStatement': {
      const keys = computedFrom([evaluate(node.right, scope, walk)])
      eachRound(node, keys, scope, walk)
      return false
    }
    case 'ForStatement': {
      const inner = scope.inner()
      if (node.init?.type === 'VariableDeclaration') declare(node.init, inner, walk)
      else if (node.init) evaluate(node.init, inner, walk)
      repeatedly(walk, new Set(), () => {
        const test = node.test ? traces(evaluate(node.test, inner, walk)) : new Set<number>()
        under(walk, test, () => executeOne(node.body, inner.inner(), walk), { sure: true })
        if (node.update) evaluate(node.update, inner, walk)
      })
      return false
    }
    case 'WhileStatement':
    case 'DoWhileStatement':
      repeatedly(walk, new Set(), () => {
        const test = traces(evaluate(node.test, scope, walk))
        under(walk, test, () => executeOne(node.body, scope.inner(), walk), { sure: true })
      })
      return false
    case 'TryStatement': {
      const handler = (): boolean => {
        if (!node.handler) return false
        const inner = scope.inner()
        if (node.handler.param) bind(node.handler.param, new Value(), inner, walk, 'const')
        const { body } = node.handler.body
        hoist(body, inner)
        return under(walk, new Set(), () => execute(body, inner, walk))
      }
      const ways = [() => executeOne(node.block, scope, walk), ...(node.handler ? [handler] : [])]
      const ends = eitherOf(walk, ways, (left) => left).every(Boolean)
      return (node.finalizer ? executeOne(node.finalizer, scope, walk) : false) || ends
    }
    case 'LabeledStatement':
      return executeOne(node.body, scope, walk)
    default:
      return false
  }
}

function declare(node: VariableDeclaration, scope: Scope, walk: Walk): void {
  const how = node.kind === 'var' ? 'var' : 'const'
  for (const { id, init } of node.declarations)
    bind(id, init ? evaluate(init, scope, walk) : new Value(), scope, walk, how)
}

function executeForOf(node: ForOfStatement, scope: Scope, walk: Walk): void {
  const over = evaluate(node.right, scope, walk)
  eachRound(node, itemOf(over), scope, walk, traces(over))
  // A map under way is done when its last item was taken.
  if (node.await) for (const id of settledBy(over)) walk.finished.add(id)
}

function eachRound(
  node: ForOfStatement | ForInStatement,
  item: Value,
  scope: Scope,
  walk: Walk,
  over: ReadonlySet<number> = traces(item),
): void {
  repeatedly(walk, over, () => {
    const inner = scope.inner()
    const { left } = node
    if (left.type !== 'VariableDeclaration') bind(left satisfies Target, item, inner, walk, 'assign')
    else for (const { id } of left.declarations) bind(id, item, inner, walk, 'const')
    executeOne(node.body, inner, walk)
  })
}
