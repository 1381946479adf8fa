import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { allOrMistake } from '../all-or-mistake.ts'

const READ_AT_ONCE = 16
/** A part that is smaller (bytes) is counted with others. */
const LARGE = 1_000_000

/** One file of an image, or one link. */
export interface TreeFile {
  /** Below `/app` in the image, with "/". */
  readonly path: string
  readonly content: { readonly file: string } | { readonly text: string } | { readonly link: string }
  /** What it is counted with: `node`, `ours`, the name of a package. */
  readonly part: string
}

/** How much of an image is one thing. */
export interface Part {
  readonly name: string
  readonly files: number
  readonly bytes: number
}

/** What a tree is, whatever it was made of and whenever. */
export interface TreeFacts {
  /** A line for each file, with its path and the SHA-256 of its content, in order of path. */
  readonly lines: readonly string[]
  /** The largest first; small packages are counted together. */
  readonly parts: readonly Part[]
}

/** Reads what is in a tree. Modes, times and places on this machine do not matter. */
export async function readTree(files: readonly TreeFile[]): Promise<TreeFacts> {
  const inOrder = [...files].sort((a, b) => (a.path < b.path ? -1 : 1))
  const read = await allOrMistake(inOrder, factsOf, READ_AT_ONCE)
  return { lines: read.map(({ line }) => line), parts: partsOf(read) }
}

interface FileFacts {
  readonly line: string
  readonly part: string
  readonly bytes: number
}

async function factsOf({ path, content, part }: TreeFile): Promise<FileFacts> {
  if ('link' in content) return { line: `${JSON.stringify(path)} -> ${content.link}`, part, bytes: 0 }
  const bytes = 'text' in content ? Buffer.from(content.text) : await readFile(content.file)
  return { line: `${JSON.stringify(path)} ${sha256(bytes)}`, part, bytes: bytes.length }
}

export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function partsOf(files: readonly FileFacts[]): Part[] {
  const all = [...Map.groupBy(files, ({ part }) => part)].map(([name, theirs]) => sum(name, theirs))
  const isSmall = ({ name, bytes }: Part): boolean => bytes < LARGE && !name.startsWith('ours')
  const small = all.filter(isSmall)
  const rest = small.length > 0 ? [sum(`${small.length} smaller packages`, small)] : []
  return [...all.filter((part) => !isSmall(part)), ...rest].sort((a, b) => b.bytes - a.bytes)
}

function sum(name: string, items: readonly { readonly bytes: number; readonly files?: number }[]): Part {
  return {
    name,
    files: items.reduce((total, { files = 1 }) => total + files, 0),
    bytes: items.reduce((total, { bytes }) => total + bytes, 0),
  }
}
