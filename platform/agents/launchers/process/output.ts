import { open, rename, stat, truncate, writeFile } from 'node:fs/promises'

/** Above this an output file is cut down, when somebody looks at its job. */
const MOST = 16 * 2 ** 20
/** So much of it stays. */
const KEPT = 2 ** 20
const PIECE = 64 * 2 ** 10
const NEWLINE = 10

/**
 * An output file that a process appends to for as long as it lives. The log of a run is in the run store; this is for what
 * went wrong before it had one. So it may be cut: its last part is copied to `FILE.old`, and the file emptied. A line that
 * comes between the two is lost.
 */
export function bounded(file: string): { lastLines(count: number): Promise<string[]>; trim(): Promise<void> } {
  const old = `${file}.old`

  async function lastLines(count: number): Promise<string[]> {
    if (count < 1) return []
    const found = await linesAtEnd(file, count)
    const missing = count - found.length
    return missing > 0 ? [...(await linesAtEnd(old, missing)), ...found] : found
  }

  async function trim(): Promise<void> {
    if ((await sizeOf(file)) <= MOST) return
    const kept = await endOf(file, KEPT)
    await writeFile(`${old}.new`, kept.subarray(kept.indexOf(NEWLINE) + 1), { mode: 0o600 })
    await rename(`${old}.new`, old)
    // It is open for appending, so the process writes on at the new end.
    await truncate(file)
  }

  return { lastLines, trim }
}

async function linesAtEnd(file: string, count: number): Promise<string[]> {
  const size = await sizeOf(file)
  for (let length = PIECE; ; length *= 2) {
    const text = await endOf(file, Math.min(length, size, MOST))
    const isAll = length >= Math.min(size, MOST)
    // The first line may be cut off, in the middle of a letter too.
    const lines = text.subarray(isAll ? 0 : text.indexOf(NEWLINE) + 1).toString()
    const found = lines.split('\n')
    if (found.at(-1) === '') found.pop()
    if (found.length >= count || isAll) return found.slice(-count).map((line) => line.replace(/\r$/, ''))
  }
}

async function endOf(file: string, length: number): Promise<Buffer> {
  if (length === 0) return Buffer.alloc(0)
  const opened = await open(file)
  try {
    const { size } = await opened.stat()
    const { buffer, bytesRead } = await opened.read({
      buffer: Buffer.alloc(length),
      position: Math.max(0, size - length),
    })
    return buffer.subarray(0, bytesRead)
  } finally {
    await opened.close()
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size
  } catch {
    return 0 // Nothing was printed yet, or the job is removed.
  }
}
