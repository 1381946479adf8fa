import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, posix } from 'node:path'
import { UserError } from '@millrace/sdk'
import type { ESTree } from 'rolldown/utils'
import { packageName } from '../bundle/installed-package.ts'
import { type Lockfile, ourFolder } from './lockfile.ts'
import type { Wanted } from './needed-packages.ts'

/** What programs of ours are made of. */
export interface Reached {
  /** Our modules, and files that they name, by their path in the project. */
  readonly files: readonly string[]
  /** Our packages that are called by name: folders, by name. */
  readonly ours: ReadonlyMap<string, string>
  /** Packages of others that are imported. */
  readonly packages: readonly Wanted[]
}

/**
 * Finds all that programs of ours may load when they run: what modules import, and what they name by
 * `new URL('./file', import.meta.url)`, a thread or a folder of SQL. Types are gone by then.
 * @param starts the programs' modules, by their path in the project
 * @throws UserError naming a module and what it asks for that is not there
 */
export async function reachedFiles(root: string, lock: Lockfile, starts: readonly string[]): Promise<Reached> {
  const namesIn = await namesReader()
  const files = new Set<string>()
  const ours = new Map<string, string>()
  const packages = new Map<string, Wanted>()
  const visit = (path: string): void => {
    if (files.has(path)) return
    if (statSync(join(root, path)).isDirectory()) {
      for (const name of readdirSync(join(root, path))) visit(posix.join(path, name))
      return
    }
    files.add(path)
    if (!/\.[cm]?[jt]s$/.test(path)) return
    const from = posix.dirname(path)
    for (const name of namesIn(readFileSync(join(root, path), 'utf8'), path)) {
      if (name.startsWith('.')) visit(present(root, posix.join(from, name), path))
      else if (!isBuiltin(name)) {
        const called = packageName(name)
        const folder = ourFolder(lock, called)
        if (folder === undefined) packages.set(`${from} ${called}`, { name: called, from })
        else {
          ours.set(called, folder)
          visit(present(root, posix.join(folder, exported(root, folder, name.slice(called.length))), path))
        }
      }
    }
  }
  for (const start of starts) visit(present(root, start, 'images'))
  return { files: [...files].sort(), ours, packages: [...packages.values()] }
}

function present(root: string, path: string, asker: string): string {
  if (existsSync(join(root, path))) return path
  throw new UserError(`${asker} asks for ${path}, which is not there`)
}

/** What a package of ours shows under `@millrace/sdk/project`. @param part `/project` */
function exported(root: string, folder: string, part: string): string {
  const { exports } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
    exports?: string | Readonly<Record<string, string>>
  }
  const file = typeof exports === 'string' ? (part === '' ? exports : undefined) : exports?.[`.${part}`]
  if (file !== undefined) return file
  throw new UserError(`${folder}/package.json: its exports have no ".${part}", which an image needs`)
}

/** Reads what a module imports and which files it names. */
async function namesReader(): Promise<(code: string, path: string) => string[]> {
  // Not with this file: most of what imports it makes no images.
  const { parseSync, Visitor } = await import('rolldown/utils')
  return (code, path) => {
    const parsed = parseSync(path, code)
    const { staticImports, staticExports, dynamicImports, importMetas } = parsed.module
    const names = [
      ...staticImports.filter((each) => !isOfTypes(code, each)).map(({ moduleRequest }) => moduleRequest.value),
      ...staticExports
        .filter((each) => !isOfTypes(code, each))
        .flatMap(({ entries }) => entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? [])),
      ...dynamicImports.flatMap(({ moduleRequest: { start, end } }) => literal(code.slice(start, end))),
    ]
    // All of the syntax takes ten times as long as what it imports: it is looked at where there is something to find.
    if (importMetas.length > 0 && code.includes('new URL(')) {
      new Visitor({ NewExpression: (node) => void names.push(...namedFile(node)) }).visit(parsed.program)
    }
    return names
  }
}

/** Whether nothing of an import or export is there when it runs. */
function isOfTypes(code: string, { start, end }: { readonly start: number; readonly end: number }): boolean {
  return /^(im|ex)port\s+type\s+(?!from\s*['"])[\w$*{]/.test(code.slice(start, end))
}

/** What stands in quotes; nothing where a name is made up when it runs. */
function literal(text: string): string[] {
  return /^('[^'\\]*'|"[^"\\]*")$/.test(text) ? [text.slice(1, -1)] : []
}

/** The path in `new URL('./path', import.meta.url)`. */
function namedFile({ callee, arguments: [path, base] }: ESTree.NewExpression): string[] {
  if (callee.type !== 'Identifier' || callee.name !== 'URL') return []
  if (path?.type !== 'Literal' || typeof path.value !== 'string' || base?.type !== 'MemberExpression') return []
  return base.object.type === 'MetaProperty' ? [path.value] : []
}
