import type { ArrowFunctionExpression, Class, Function as FunctionNode } from 'oxc-parser'
import type { Scope } from './scope.ts'
import type { Value } from './value.ts'

/** A task as the flow's code declares it. */
export interface DeclaredTask {
  readonly name: string
  /** Its options, later ones of `.with()` and `.limit()` put over them. */
  readonly options: ReadonlyMap<string, Value>
}

/** What a call may run. */
export type Callable =
  | { readonly kind: 'function'; readonly node: FunctionNode | ArrowFunctionExpression; readonly scope: Scope }
  | { readonly kind: 'class'; readonly node: Class; readonly scope: Scope }
  | { readonly kind: 'task'; readonly task: DeclaredTask }
  | { readonly kind: 'flow'; readonly name: string; readonly body: Value }
  /** A function of `@millrace/sdk`. */
  | { readonly kind: 'sdk'; readonly name: string }
  /** A global, with its members: `Promise.all`. */
  | { readonly kind: 'global'; readonly name: string }
