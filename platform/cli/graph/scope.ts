import type { ModuleFile } from './module-file.ts'
import { Value } from './value.ts'

/** A variable. */
export interface Cell {
  value: Value
  /** How deep in branches and loops it was declared: an assignment from deeper inside may not happen. */
  readonly depth: number
  /** Computes the value when it is first asked for: names of a module. */
  lazy?: (() => Value) | undefined
}

/** The names that code can see. */
export class Scope {
  readonly module: ModuleFile
  readonly parent: Scope | undefined
  /** Where `var` declares. */
  readonly ofFunction: Scope
  private readonly cells = new Map<string, Cell>()

  constructor(module: ModuleFile, parent?: Scope, isFunction = false) {
    this.module = module
    this.parent = parent
    this.ofFunction = isFunction || !parent ? this : parent.ofFunction
  }

  inner(isFunction = false): Scope {
    return new Scope(this.module, this, isFunction)
  }

  declare(name: string, value: Value, depth: number): void {
    this.cells.set(name, { value, depth })
  }

  /** Declares a name whose value is computed when it is first asked for. */
  declareLazily(name: string, lazy: () => Value): void {
    this.cells.set(name, { value: new Value(), depth: 0, lazy })
  }

  find(name: string): Cell | undefined {
    return this.cells.get(name) ?? this.parent?.find(name)
  }
}
