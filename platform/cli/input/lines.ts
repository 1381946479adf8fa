import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { UserError } from '@millrace/sdk'

/** A line of a file, without its end. */
export interface Line {
  /** From 1. */
  readonly number: number
  readonly text: string
}

/** A file that is read line by line, however big it is. */
export interface LineSource {
  /** How it is called in messages. */
  readonly name: string
  /** Whether it can be read again. */
  readonly isFile: boolean
  /** Lines that are not blank. */
  read(): AsyncIterable<Line>
}

/**
 * @param file "-": standard input
 * @throws UserError when there is no such file
 */
export async function lineSource(file: string, option: string): Promise<LineSource> {
  if (file === '-') return { name: 'standard input', isFile: false, read: () => linesOf(process.stdin) }
  let isFolder: boolean
  let isFile: boolean
  try {
    const found = await stat(file)
    isFolder = found.isDirectory()
    isFile = found.isFile()
  } catch {
    throw new UserError(`${option}: there is no file ${file}`)
  }
  if (isFolder) throw new UserError(`${option}: ${file} is a folder`)
  return { name: file, isFile, read: () => linesOf(createReadStream(file)) }
}

async function* linesOf(stream: NodeJS.ReadableStream): AsyncIterable<Line> {
  let number = 0
  // A byte order mark is what some editors begin a file with; it is no part of the first line.
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
    number++
    const text = number === 1 ? line.replace(/^\uFEFF/, '') : line
    if (text.trim() !== '') yield { number, text }
  }
}

/** Items in batches of up to `most`. */
export async function* batchesOf<T>(items: AsyncIterable<T>, most: number): AsyncIterable<T[]> {
  let batch: T[] = []
  for await (const item of items) {
    batch.push(item)
    if (batch.length < most) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
