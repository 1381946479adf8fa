import { readFileSync, statSync } from 'node:fs'
import { dirname, relative, resolve, sep } from 'node:path'
import { UserError } from '@millrace/sdk'
import { type Program, parseSync } from 'oxc-parser'

/** A module of the project, parsed. */
export interface ModuleFile {
  /** Absolute. */
  readonly path: string
  /** Relative to the project's folder, with "/": for messages, and for telling call sites apart. */
  readonly name: string
  readonly program: Program
  /** The modules it imports by relative path, by what the import says. */
  readonly imports: ReadonlyMap<string, ModuleFile>
}

/**
 * Parses a module and the modules of the project that it imports by relative path. Nothing of them is run.
 * @throws UserError `file:line:column: …` when one has a syntax error, or is not there
 */
export function readModules(root: string, path: string, seen = new Map<string, ModuleFile>()): ModuleFile {
  const known = seen.get(path)
  if (known) return known
  const name = relative(root, path).split(sep).join('/')
  const source = readFileSync(path, 'utf8')
  const fail = (at: number, message: string): never => {
    throw new UserError(`${name}:${position(source, at)}: ${message}`)
  }
  const { program, errors } = parseSync(path, source, { preserveParens: false })
  const error = errors.find(({ severity }) => severity === 'Error')
  if (error) fail(error.labels[0]?.start ?? 0, firstLine(error.message))

  const imports = new Map<string, ModuleFile>()
  const module: ModuleFile = { path, name, program, imports }
  seen.set(path, module)
  for (const statement of program.body) {
    if (!('source' in statement) || !statement.source || isOfTypes(statement)) continue
    const { value: specifier, start } = statement.source
    if (!/^\.{1,2}\//.test(specifier)) continue
    const target = findModule(dirname(path), specifier)
    if (target === undefined) fail(start, `there is no module ${specifier}`)
    else if (/\.[cm]?[jt]sx?$/.test(target)) imports.set(specifier, readModules(root, target, seen))
  }
  return module
}

function isOfTypes(statement: Program['body'][number]): boolean {
  return (
    ('importKind' in statement && statement.importKind === 'type') ||
    ('exportKind' in statement && statement.exportKind === 'type')
  )
}

function findModule(folder: string, specifier: string): string | undefined {
  const exact = resolve(folder, specifier)
  const others = [exact.replace(/\.([cm]?)js$/, '.$1ts'), `${exact}.ts`, `${exact}.js`, resolve(exact, 'index.ts')]
  return [exact, ...others].find((path) => statSync(path, { throwIfNoEntry: false })?.isFile())
}

/** `line:column`, both from 1. */
function position(source: string, at: number): string {
  const before = source.slice(0, at).split(/\r\n|\r|\n/)
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text
}
