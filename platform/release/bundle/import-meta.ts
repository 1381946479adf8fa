import type { parseAst } from 'rolldown/parseAst'

export type Program = ReturnType<typeof parseAst>

/** A file that code names. */
export interface NamedFile {
  readonly specifier: string
  /** Where in the code, counted in characters. */
  readonly at: number
  /**
   * What for: to read it, `new URL('./query.sql', import.meta.url)`; to run it as a thread, `new Worker(new URL(…))`; to
   * import it under a name that is made up, `import(`./${name}.ts`)`.
   */
  readonly use: 'file' | 'thread' | 'import'
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
}

/**
 * Makes a module say where it is as if it were in the folder of the bundle's files: the folder that is named as the
 * bundle is, without `.mjs`. Files that lie beside the module in the project are found there, whether the code names
 * them or makes their names up.
 * @param place the module's path in the project
 * @returns the code with as many lines as before, and the files that it names
 */
export function moveModule(code: string, program: Program, place: string): { code: string; named: NamedFile[] } {
  const edits: { readonly start: number; readonly end: number; readonly text: string }[] = []
  const named: NamedFile[] = []
  walk(program, (node, parent) => {
    const property = metaProperty(node)
    if (property) edits.push({ start: node.start, end: node.end, text: moved(property, place) })
    const specifier = namedFile(node)
    const use = parent && isNew(parent, 'Worker') ? 'thread' : 'file'
    if (specifier !== undefined) named.push({ specifier, at: node.start, use })
    if (isMadeUpImport(node)) named.push({ specifier: code.slice(node.start, node.end), at: node.start, use: 'import' })
  })
  let [text, end] = ['', 0]
  for (const edit of edits.sort((a, b) => a.start - b.start)) {
    text += code.slice(end, edit.start) + edit.text
    end = edit.end
  }
  return { code: text + code.slice(end), named }
}

type MetaProperty = 'url' | 'filename' | 'dirname'

/** `.mjs`, four characters, is cut off the bundle's own place. */
function moved(property: MetaProperty, place: string): string {
  if (property === 'url') {
    const path = encodeURI(place).replace(/[?#]/g, encodeURIComponent)
    return `(import.meta.url.slice(0, -4) + ${JSON.stringify(`/${path}`)})`
  }
  const path = property === 'filename' ? place : place.slice(0, Math.max(0, place.lastIndexOf('/')))
  return `(import.meta.filename.slice(0, -4) + ${JSON.stringify(`/${path}`)})`
}

/** Which property of `import.meta` a node reads. */
function metaProperty(node: Node): MetaProperty | undefined {
  if (node.type !== 'MemberExpression') return undefined
  const { object, property, computed } = node as Node & { object: Node; property: Node; computed: boolean }
  if (object.type !== 'MetaProperty' || computed || property.type !== 'Identifier') return undefined
  const { name } = property as Node & { name: string }
  return name === 'url' || name === 'filename' || name === 'dirname' ? name : undefined
}

/** The path in `new URL('path', import.meta.url)`. */
function namedFile(node: Node): string | undefined {
  if (!isNew(node, 'URL')) return undefined
  const [path, base] = (node as Node & { arguments: Node[] }).arguments
  if (!path || !base || metaProperty(base) !== 'url') return undefined
  const text = textOf(path)
  return text === undefined || /^([a-z][a-z0-9+.-]*:|\/)/i.test(text) ? undefined : text
}

/** `import()` of a module of ours whose path is put together when it runs. */
function isMadeUpImport(node: Node): boolean {
  if (node.type !== 'ImportExpression') return false
  const { source } = node as Node & { source: Node }
  return textOf(source) === undefined && (startOf(source)?.startsWith('.') ?? false)
}

/** What a text that is put together starts with. */
function startOf(node: Node): string | undefined {
  const { left, quasis } = node as Node & { left?: Node; quasis?: Quasi[] }
  if (node.type === 'BinaryExpression' && left) return startOf(left)
  return quasis ? (quasis[0]?.value.cooked ?? undefined) : textOf(node)
}

function isNew(node: Node, name: string): boolean {
  if (node.type !== 'NewExpression') return false
  const { callee } = node as Node & { callee: Node & { name?: string } }
  return callee.type === 'Identifier' && callee.name === name
}

interface Quasi {
  readonly value: { readonly cooked: string | null }
}

/** The text of a node that is nothing but text. */
function textOf(node: Node): string | undefined {
  if (node.type === 'Literal') {
    const { value } = node as Node & { value: unknown }
    return typeof value === 'string' ? value : undefined
  }
  if (node.type !== 'TemplateLiteral') return undefined
  const { quasis } = node as Node & { quasis: Quasi[] }
  return quasis.length === 1 ? (quasis[0]?.value.cooked ?? undefined) : undefined
}

function walk(node: Node, visit: (node: Node, parent?: Node) => void, parent?: Node): void {
  visit(node, parent)
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walk(child, visit, node)
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value
}
