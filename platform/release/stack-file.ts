import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { nearest, UserError } from '@millrace/sdk'
import { type Document, LineCounter, parseDocument } from 'yaml'

/** Where a stack's config is kept. */
export interface StackPath {
  readonly stack: string
  /** `Pulumi.dev.yaml` */
  readonly name: string
  readonly path: string
}

/** The file of a stack, and what it says. */
export interface StackFile extends StackPath {
  readonly text: string
  /** What is said to this project, by key without `millrace:`. Values that are encrypted stay so. */
  readonly config: Readonly<Record<string, unknown>>
}

const FILE = /^Pulumi\.(.+)\.ya?ml$/
const NAMESPACE = 'millrace:'

/** The stacks of a project: those that have a file. */
export function stackNames(root: string): string[] {
  return [...new Set(stackFiles(root).map(({ stack }) => stack))]
}

function stackFiles(root: string): StackPath[] {
  return readdirSync(root)
    .sort()
    .flatMap((name) => {
      const stack = FILE.exec(name)?.[1]
      return stack === undefined ? [] : [{ stack, name, path: join(root, name) }]
    })
}

/** Where the config of a stack is. @throws UserError when there is no such stack, or it has two files */
export function findStackFile(root: string, stack: string): StackPath {
  const files = stackFiles(root)
  const [found, other] = files.filter((file) => file.stack === stack)
  if (found && other) {
    throw new UserError(`the stack "${stack}" has two files, ${found.name} and ${other.name}; keep one of them`)
  }
  if (found) return found
  const names = [...new Set(files.map((file) => file.stack))]
  const near = nearest(stack, names)
  throw new UserError(
    `there is no stack "${stack}": no file Pulumi.${stack}.yaml${near ? `; did you mean "${near}"?` : ''}`,
    names.length > 0 ? `Stacks here: ${names.join(', ')}.` : `There is none in ${root}.`,
  )
}

/** Reads the file of a stack. @throws UserError when there is no such stack, or its file is not YAML */
export function readStackFile(root: string, stack: string): StackFile {
  const found = findStackFile(root, stack)
  const text = readFileSync(found.path, 'utf8')
  return { ...found, text, config: readConfig(text, found.name) }
}

/** What `text`, the content of a stack's file, says to this project. @param name of the file, for errors */
function readConfig(text: string, name: string): Readonly<Record<string, unknown>> {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [error] = document.errors
  if (error) {
    // Not the parser's own words: they quote the line, which may hold a secret.
    const what = error.code.toLowerCase().replaceAll('_', ' ')
    throw new UserError(`${name}: line ${lines.linePos(error.pos[0]).line}: this is not YAML (${what})`)
  }
  const content = contentOf(document, name)
  const config = isRecord(content) ? (content.config ?? {}) : {}
  if (!isRecord(config)) throw new UserError(`${name}: config: expected keys such as ${NAMESPACE}secrets`)
  return Object.fromEntries(
    Object.entries(config).flatMap(([key, value]) =>
      key.startsWith(NAMESPACE) ? [[key.slice(NAMESPACE.length), value]] : [],
    ),
  )
}

function contentOf(document: Document.Parsed, name: string): unknown {
  try {
    return document.toJS()
  } catch {
    throw new UserError(`${name}: an alias (*name) in it cannot be resolved`)
  }
}

/** An object that was read from YAML, not a list. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
