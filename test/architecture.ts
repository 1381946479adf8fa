import { posix } from 'node:path'
import ts from 'typescript'

/** A file of the project; its path is relative to the root, with "/" between parts. */
export interface SourceFile {
  readonly path: string
  readonly source: string
}

/** A package of ours: its folder, and what its package.json says. */
export interface OurPackage {
  readonly folder: string
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** Which part may import which; dependencies point one way only (docs: "The house"). */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  sdk: [],
  engine: ['sdk'],
  agents: ['engine', 'release', 'sdk'],
  release: ['sdk'],
  console: ['engine', 'agents', 'release', 'sdk'],
  cli: ['engine', 'agents', 'release', 'sdk'],
  flows: ['sdk'],
  images: ['sdk', 'engine', 'agents', 'release', 'console', 'cli', 'flows', 'infra'],
  infra: ['release', 'sdk'],
}

const SAYS_NOTHING = ['utils', 'util', 'helpers', 'helper', 'common', 'manager', 'misc']

/** What breaks the rules of the house, one line each, by file. */
export function violations(files: readonly SourceFile[], packages: readonly OurPackage[]): string[] {
  const flows = new Set(files.flatMap(({ path }) => /^flows\/([^/]+)\/flow\.ts$/.exec(path)?.[1] ?? []))
  return files.flatMap((file) => [
    ...wrongNames(file.path),
    ...importsOf(file).flatMap((found) => {
      const wrong = wrongImport(file.path, found, packages, flows)
      return wrong === undefined ? [] : [`${file.path} imports ${found.specifier}: ${wrong}`]
    }),
  ])
}

function wrongNames(path: string): string[] {
  const words = path.split('/').flatMap((part) => part.replace(/\.\w+$/, '').split(/[-_.]/))
  const found = words.find((word) => SAYS_NOTHING.includes(word.toLowerCase()))
  return found === undefined ? [] : [`${path}: "${found}" says nothing; name it after what it exports`]
}

interface Import {
  readonly specifier: string
  /** Only types: gone when it runs. */
  readonly isType: boolean
}

/** All that a file imports: statements, `export … from`, `import()`, and `import()` of a type. */
export function importsOf({ path, source }: SourceFile): Import[] {
  const found: Import[] = []
  const add = (specifier: ts.Node | undefined, isType: boolean): void => {
    if (specifier && ts.isStringLiteralLike(specifier)) found.push({ specifier: specifier.text, isType })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeClause(node.importClause))
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false)
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(path, source, ts.ScriptTarget.Latest))
  return found
}

function isTypeClause(clause: ts.ImportClause | undefined): boolean {
  if (!clause) return false
  if (clause.isTypeOnly) return true
  const names = clause.namedBindings
  if (clause.name || !names || !ts.isNamedImports(names) || names.elements.length === 0) return false
  return names.elements.every((element) => element.isTypeOnly)
}

function wrongImport(
  from: string,
  { specifier, isType }: Import,
  packages: readonly OurPackage[],
  flows: ReadonlySet<string>,
): string | undefined {
  if (specifier.startsWith('node:')) return undefined
  const own = packageOf(from, packages)
  if (specifier.startsWith('.')) {
    const target = posix.join(posix.dirname(from), specifier)
    const flow = flowOf(target)
    if (flow !== undefined && flow !== flowOf(from) && flows.has(flow)) return `that is another flow's folder`
    const theirs = packageOf(target, packages)
    if (theirs === own && partOf(target) === partOf(from)) return undefined
    return wrongDirection(from, target) ?? (theirs ? wrongDependency(own, theirs.name, isType) : undefined)
  }
  const name = packageName(specifier)
  if (name === own?.name) return undefined
  const theirs = packages.find((each) => each.name === name)
  return (theirs && wrongDirection(from, `${theirs.folder}/index.ts`)) ?? wrongDependency(own, name, isType)
}

function wrongDirection(from: string, to: string): string | undefined {
  const [part, other] = [partOf(from), partOf(to)]
  if (other === undefined) return 'that is outside of the packages'
  if (part === other) return undefined
  const allowed = part === undefined ? [] : (MAY_IMPORT[part] ?? [])
  if (allowed.includes(other)) return undefined
  return `${part} may import ${allowed.length > 0 ? allowed.join(', ') : 'nothing of ours'}, not ${other}`
}

function wrongDependency(own: OurPackage | undefined, name: string, isType: boolean): string | undefined {
  if (!own) return undefined
  const atRunTime = { ...own.dependencies, ...own.optionalDependencies }
  if (name in atRunTime) return undefined
  const types = name.startsWith('@') ? `@types/${name.slice(1).replace('/', '__')}` : `@types/${name}`
  const atCheckTime = { ...own.devDependencies }
  if (isType && (name in atCheckTime || types in atCheckTime)) return undefined
  const hint = name in atCheckTime ? ' (a devDependency is there for types only)' : ''
  return `${own.folder}/package.json does not declare ${name}${hint}`
}

/** `platform/engine/…` is of the part engine, `flows/…` of flows. */
function partOf(path: string): string | undefined {
  const [first = '', second = ''] = path.split('/')
  const part = first === 'platform' ? second : first
  return part in MAY_IMPORT ? part : undefined
}

function flowOf(path: string): string | undefined {
  return /^flows\/([^/]+)\//.exec(path)?.[1]
}

/** The innermost package around a file. */
function packageOf(path: string, packages: readonly OurPackage[]): OurPackage | undefined {
  return packages
    .filter(({ folder }) => path.startsWith(`${folder}/`))
    .sort((a, b) => b.folder.length - a.folder.length)[0]
}

/** `@scope/name` of `@scope/name/part`, `name` of `name/part`. */
function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
