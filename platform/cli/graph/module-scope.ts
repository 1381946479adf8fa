import type { BindingPattern, Expression, ImportDeclarationSpecifier, ModuleExportName, Program } from 'oxc-parser'
import { evaluate } from './expressions.ts'
import type { ModuleFile } from './module-file.ts'
import { bind, boundNames } from './patterns.ts'
import { Scope } from './scope.ts'
import { Value } from './value.ts'
import { aside, type Walk } from './walk.ts'

const SDK = '@millrace/sdk'

/** The names at the top of a module. Each is worked out when it is first asked for. */
export function moduleScope(module: ModuleFile, walk: Walk): Scope {
  const known = walk.modules.get(module.path)
  if (known) return known
  const scope = new Scope(module)
  walk.modules.set(module.path, scope)
  for (const statement of module.program.body) declareStatement(statement, scope, walk)
  return scope
}

/** What a module exports under a name. */
export function exportOf(
  module: ModuleFile,
  name: string,
  walk: Walk,
  seen = new Set<ModuleFile>(),
): Value | undefined {
  if (seen.has(module)) return undefined
  seen.add(module)
  const scope = moduleScope(module, walk)
  for (const statement of module.program.body) {
    if (statement.type === 'ExportDefaultDeclaration' && name === 'default') return lookUp(scope, '*default*', walk)
    if (statement.type === 'ExportNamedDeclaration') {
      const found = statement.specifiers.find(({ exported }) => nameOf(exported) === name)
      if (found && statement.source) return importOf(module, statement.source.value, nameOf(found.local), walk)
      if (found) return lookUp(scope, nameOf(found.local), walk)
      if (statement.declaration && declaredNames(statement.declaration).includes(name)) return lookUp(scope, name, walk)
    }
  }
  for (const statement of module.program.body) {
    if (statement.type !== 'ExportAllDeclaration') continue
    const target = module.imports.get(statement.source.value)
    if (statement.exported) {
      if (nameOf(statement.exported) === name) return namespaceOf(module, statement.source.value, walk)
    } else if (target && name !== 'default') {
      const found = exportOf(target, name, walk, seen)
      if (found) return found
    } else if (statement.source.value === SDK) return Value.callable({ kind: 'sdk', name })
  }
  return undefined
}

/** The value of a name, of a module's or a function's. */
export function lookUp(scope: Scope, name: string, walk: Walk): Value | undefined {
  const cell = scope.find(name)
  if (cell?.lazy) {
    const { lazy } = cell
    // First of all, for a name that is needed to work itself out.
    cell.lazy = undefined
    cell.value = aside(walk, lazy)
  }
  return cell?.value
}

type TopLevel = Program['body'][number]

function declareStatement(statement: TopLevel, scope: Scope, walk: Walk): void {
  switch (statement.type) {
    case 'ImportDeclaration':
      if (statement.importKind === 'type') return
      for (const specifier of statement.specifiers) {
        scope.declareLazily(specifier.local.name, () => imported(specifier, statement.source.value, scope.module, walk))
      }
      return
    case 'ExportNamedDeclaration':
      if (statement.declaration) declareStatement(statement.declaration, scope, walk)
      return
    case 'ExportDefaultDeclaration': {
      const { declaration } = statement
      if (declaration.type === 'TSInterfaceDeclaration') return
      scope.declareLazily('*default*', () => evaluate(declaration as Expression, scope, walk))
      if ('id' in declaration && declaration.id) {
        scope.declareLazily(declaration.id.name, () => evaluate(declaration as Expression, scope, walk))
      }
      return
    }
    case 'FunctionDeclaration':
      if (statement.id && statement.body) {
        scope.declare(statement.id.name, Value.callable({ kind: 'function', node: statement, scope }), 0)
      }
      return
    case 'ClassDeclaration':
      if (statement.id) scope.declareLazily(statement.id.name, () => evaluate(statement, scope, walk))
      return
    case 'VariableDeclaration':
      for (const { id, init } of statement.declarations) declareVariable(id, init, scope, walk)
  }
}

function declareVariable(id: BindingPattern, init: Expression | null, scope: Scope, walk: Walk): void {
  for (const name of boundNames(id)) {
    scope.declareLazily(name, () => {
      if (!init) return new Value()
      const inner = scope.inner()
      bind(id, evaluate(init, scope, walk), inner, walk, 'const')
      return inner.find(name)?.value ?? new Value()
    })
  }
}

function imported(specifier: ImportDeclarationSpecifier, from: string, module: ModuleFile, walk: Walk): Value {
  if (specifier.type === 'ImportNamespaceSpecifier') return namespaceOf(module, from, walk)
  const name = specifier.type === 'ImportSpecifier' ? nameOf(specifier.imported) : 'default'
  return importOf(module, from, name, walk) ?? new Value()
}

function importOf(module: ModuleFile, from: string, name: string, walk: Walk): Value | undefined {
  if (from === SDK) return Value.callable({ kind: 'sdk', name })
  const target = module.imports.get(from)
  return target && exportOf(target, name, walk)
}

/** `import * as x`: an object of all exports. */
function namespaceOf(module: ModuleFile, from: string, walk: Walk): Value {
  if (from === SDK) return Value.callable({ kind: 'sdk', name: '*' })
  const target = module.imports.get(from)
  if (!target) return new Value()
  return Value.object(exportedNames(target).map((name) => [name, exportOf(target, name, walk) ?? new Value()] as const))
}

function exportedNames(module: ModuleFile, seen = new Set<ModuleFile>()): string[] {
  if (seen.has(module)) return []
  seen.add(module)
  return module.program.body.flatMap((statement) => {
    if (statement.type === 'ExportDefaultDeclaration') return ['default']
    if (statement.type === 'ExportAllDeclaration') {
      if (statement.exported) return [nameOf(statement.exported)]
      const target = module.imports.get(statement.source.value)
      return target ? exportedNames(target, seen).filter((name) => name !== 'default') : []
    }
    if (statement.type !== 'ExportNamedDeclaration') return []
    return [
      ...(statement.declaration ? declaredNames(statement.declaration) : []),
      ...statement.specifiers.map(({ exported }) => nameOf(exported)),
    ]
  })
}

function declaredNames(statement: TopLevel): string[] {
  if (statement.type === 'VariableDeclaration') return statement.declarations.flatMap(({ id }) => boundNames(id))
  if (statement.type === 'FunctionDeclaration' || statement.type === 'ClassDeclaration') {
    return statement.id ? [statement.id.name] : []
  }
  return []
}

function nameOf(name: ModuleExportName): string {
  return name.type === 'Literal' ? name.value : name.name
}
