import { isMap, isScalar, type Node, type Pair, parseDocument, type Range, type YAMLMap } from 'yaml'

/**
 * Changes to the text of a YAML document. Found by its nodes, made in its text: all else stays byte for byte, where a
 * document that is written anew loses blank lines, the alignment of comments, and how a number was written.
 */

/** Sets a number in the map at `path`. @returns undefined where there is no map at `path` */
export function setNumber(text: string, path: readonly string[], key: string, value: number): string | undefined {
  const map = mapAt(text, path)
  const [first, last] = [map?.items.at(0), map?.items.at(-1)]
  if (!map || !first || !last) return undefined
  const present = map.items.find((pair) => isKey(pair, key))
  if (present)
    return isScalar(present.value) ? splice(text, startOf(present.value), endOf(present), String(value)) : undefined
  if (map.flow) return splice(text, endOf(last), endOf(last), `, ${key}: ${value}`)
  const at = startOf(first.key)
  return splice(text, at, at, `${key}: ${value}${newline(text)}${' '.repeat(at - lineStart(text, at))}`)
}

/** Removes a key with its value from the map at `path`, which has others. @returns undefined where it is not there */
export function removeKey(text: string, path: readonly string[], key: string): string | undefined {
  const map = mapAt(text, path)
  const index = map?.items.findIndex((pair) => isKey(pair, key)) ?? -1
  const [before, pair, after] = [map?.items[index - 1], map?.items[index], map?.items[index + 1]]
  if (!map || !pair || !(before ?? after)) return undefined
  if (!map.flow) return splice(text, lineStart(text, startOf(pair.key)), lineEnd(text, endOf(pair)), '')
  if (after) return splice(text, startOf(pair.key), startOf(after.key), '')
  return before && splice(text, endOf(before), endOf(pair), '')
}

type NodePair = Pair<Node, Node | null>

function mapAt(text: string, path: readonly string[]): YAMLMap<Node, Node | null> | undefined {
  let node: unknown = parseDocument(text).contents
  for (const key of path) {
    if (!isMap<Node, Node | null>(node)) return undefined
    node = node.items.find((pair) => isKey(pair, key))?.value
  }
  return isMap<Node, Node | null>(node) ? node : undefined
}

/** A version may be written `"1"` or `1`. */
function isKey({ key }: NodePair, name: string): boolean {
  return isScalar(key) && String(key.value) === name
}

function rangeOf(node: Node): Range {
  if (!node.range) throw new Error('a node that was parsed has no range')
  return node.range
}

function startOf(node: Node): number {
  return rangeOf(node)[0]
}

/** Where the value of a pair ends, before a comment. */
function endOf({ key, value }: NodePair): number {
  return rangeOf(value ?? key)[1]
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1
}

/** The start of the line after the last one that belongs to what ends at `end`, which may be after its line break. */
function lineEnd(text: string, end: number): number {
  const next = text.indexOf('\n', text.slice(0, end).trimEnd().length)
  return next < 0 ? text.length : next + 1
}

function newline(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n'
}

function splice(text: string, from: number, to: number, replacement: string): string {
  return `${text.slice(0, from)}${replacement}${text.slice(to)}`
}
