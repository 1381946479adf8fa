import { createHash } from 'node:crypto'

/** Longest name of a file or folder on most file systems, in bytes. */
const LONGEST_NAME = 255
const HASH_LETTERS = 16

/**
 * The path of an output file, from values as they stand in the data. A "/" in a value makes a folder, as the readers
 * of the output expect; empty parts vanish. What would lead out of the output or be no name at all is encoded:
 * "." and ".." as `%2E`, "\" and NUL as `%5C` and `%00`; a name too long for a disk keeps its start and gets a hash.
 * @param extension ends the last part, for instance `.csv`
 */
export function outputPath(values: readonly string[], extension = ''): string {
  const parts = (values.join('/') + extension).split('/')
  return parts
    .filter((part) => part !== '')
    .map((part, index, all) => safeName(part, index === all.length - 1 ? extension : ''))
    .join('/')
}

const UNSAFE = /^\.{1,2}$|^\.millrace-|[\\\0]/

function safeName(part: string, extension: string): string {
  let name = part
  if (UNSAFE.test(name)) {
    name = name.replaceAll('\\', '%5C').replaceAll('\0', '%00')
    if (/^\.{1,2}$/.test(name)) name = name.replaceAll('.', '%2E')
    if (name.startsWith('.millrace-')) name = `%2E${name.slice(1)}`
  }
  // A letter takes three bytes of UTF-8 at most (a pair of surrogates four): short names need no counting.
  return name.length * 3 > LONGEST_NAME && Buffer.byteLength(name) > LONGEST_NAME ? shortened(name, extension) : name
}

function shortened(name: string, extension: string): string {
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_LETTERS)
  let room = LONGEST_NAME - HASH_LETTERS - 1 - extension.length
  let start = ''
  for (const letter of name) {
    room -= Buffer.byteLength(letter)
    if (room < 0) break
    start += letter
  }
  return `${start}~${hash}${extension}`
}
