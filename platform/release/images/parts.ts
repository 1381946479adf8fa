import { statSync } from 'node:fs'
import type { TreeFile } from './tree.ts'

/** A part that is smaller (bytes) is counted with others. */
const LARGE = 1_000_000

/** How much of an image is one thing. */
export interface Part {
  readonly name: string
  readonly files: number
  readonly bytes: number
}

/** What takes the room in an image, the largest first; small packages are counted together. */
export function partsOf(files: readonly TreeFile[]): Part[] {
  const sizes = files.map(({ part, content }) => ({ part, bytes: sizeOf(content) }))
  const all = [...Map.groupBy(sizes, ({ part }) => part)].map(([name, theirs]) => sum(name, theirs))
  const isSmall = ({ name, bytes }: Part): boolean => bytes < LARGE && !name.startsWith('ours')
  const small = all.filter(isSmall)
  const rest = small.length > 0 ? [sum(`${small.length} smaller packages`, small)] : []
  return [...all.filter((part) => !isSmall(part)), ...rest].sort((a, b) => b.bytes - a.bytes)
}

function sizeOf(content: TreeFile['content']): number {
  if ('link' in content) return 0
  return 'text' in content ? Buffer.byteLength(content.text) : statSync(content.file).size
}

function sum(name: string, items: readonly { readonly bytes: number; readonly files?: number }[]): Part {
  return {
    name,
    files: items.reduce((total, { files = 1 }) => total + files, 0),
    bytes: items.reduce((total, { bytes }) => total + bytes, 0),
  }
}
