import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { findStackFile } from '@millrace/release'
import { UserError } from '@millrace/sdk'
import { type Document, isMap, isScalar, parseDocument } from 'yaml'
import { PlanError } from './plan-error.ts'
import type { Program } from './program.ts'

/** A program with the config of one stack, and what stands in that for what is encrypted. */
export interface StackProgram extends Program {
  readonly secretTexts: readonly string[]
}

/**
 * Reads Pulumi.yaml and the file of a stack as the CLI does (pulumi/sdk/go/common/resource/config/value.go): a single
 * value becomes its text, a list or an object JSON. What is encrypted nobody can read here: a text that names it takes
 * its place, and as in the CLI its whole key is secret.
 * @throws PlanError when there is no such stack, or a file is wrong
 */
export function readStack(root: string, stack: string): StackProgram {
  const projectFile = read(root, 'Pulumi.yaml')
  const project = projectFile.get('name')
  if (typeof project !== 'string') throw wrong('Pulumi.yaml: name: expected the name of the project')
  const file = fileOf(root, stack)
  const config = new Config()
  for (const [key, node] of configOf(projectFile, 'Pulumi.yaml')) {
    const value = isMap(node) && node.has('default') ? node.get('default', true) : isMap(node) ? undefined : node
    if (value !== undefined) config.set(key.includes(':') ? key : `${project}:${key}`, value, projectFile)
  }
  const stackFile = read(root, file)
  for (const [key, node] of configOf(stackFile, file)) {
    if (!key.includes(':'))
      throw wrong(`${file}: config.${key}: expected NAMESPACE:KEY, for instance ${project}:${key}`)
    // Tags of the stack are for the CLI alone.
    if (!key.startsWith('pulumi:')) config.set(key, node, stackFile)
  }
  const main = projectFile.get('main')
  return { root: resolve(root), main: typeof main === 'string' ? main : '.', project, stack, ...config.done() }
}

function fileOf(root: string, stack: string): string {
  try {
    return findStackFile(root, stack).name
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw wrong(error.hint ? `${error.message}\n${error.hint}` : error.message)
  }
}

class Config {
  readonly #values: Record<string, string> = {}
  readonly #secretKeys = new Set<string>()
  readonly #secretTexts: string[] = []

  set(key: string, node: unknown, document: Document): void {
    const texts: string[] = []
    const value = withoutCiphertext(isNode(node) ? node.toJS(document) : node, key, texts)
    // The text as it is written: 1.10 stays 1.10.
    const text = isScalar(node) && typeof value !== 'string' ? (node.source ?? '') : value
    this.#values[key] = typeof text === 'string' ? text : JSON.stringify(text)
    this.#secretKeys.delete(key)
    if (texts.length > 0) this.#secretKeys.add(key)
    this.#secretTexts.push(...texts)
  }

  done(): Pick<StackProgram, 'config' | 'secretKeys' | 'secretTexts'> {
    return { config: this.#values, secretKeys: [...this.#secretKeys], secretTexts: this.#secretTexts }
  }
}

/** Puts a text that names it in place of each `{ secure: … }`, and tells these texts. */
function withoutCiphertext(value: unknown, path: string, texts: string[]): unknown {
  if (Array.isArray(value)) return value.map((each, index) => withoutCiphertext(each, `${path}[${index}]`, texts))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
  if (entries.length === 1 && entries[0]?.[0] === 'secure' && typeof entries[0][1] === 'string') {
    const text = `(secret ${path})`
    texts.push(text)
    return text
  }
  return Object.fromEntries(entries.map(([key, each]) => [key, withoutCiphertext(each, `${path}.${key}`, texts)]))
}

function configOf(document: Document, file: string): [key: string, node: unknown][] {
  const config = document.get('config')
  if (config === undefined || config === null) return []
  if (!isMap(config)) throw wrong(`${file}: config: expected keys with values`)
  return config.items.map(({ key, value }) => [String(isScalar(key) ? key.value : key), value])
}

function read(root: string, name: string): Document {
  const path = join(root, name)
  if (!existsSync(path)) throw wrong(`there is no ${name} in ${root}`)
  const document = parseDocument(readFileSync(path, 'utf8'))
  const [error] = document.errors
  if (error) throw wrong(`${name}: ${error.message.split('\n')[0]}`)
  if (!isMap(document.contents)) throw wrong(`${name}: expected keys with values`)
  return document
}

function isNode(value: unknown): value is { toJS(document: Document): unknown } {
  return typeof value === 'object' && value !== null && 'toJS' in value
}

const wrong = (message: string): PlanError => new PlanError(message, { isMistake: true })
