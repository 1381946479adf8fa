/** One thing that a container printed: a line, or a part of a long one. */
export interface LogEntry {
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Buffer
}

/** Of a frame: the stream (1 byte), 3 zeros, the payload's length (4 bytes, big endian). */
const HEADER = 8
const STDERR = 2

/**
 * Takes apart what an engine answers when it is asked for logs: frames, one for each entry of the log.
 * https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach ("Stream format")
 */
export function readLogEntries(answer: Buffer): LogEntry[] {
  const entries: LogEntry[] = []
  for (let at = 0; at + HEADER <= answer.length; ) {
    const end = at + HEADER + answer.readUInt32BE(at + 4)
    entries.push({ stream: answer[at] === STDERR ? 'stderr' : 'stdout', bytes: answer.subarray(at + HEADER, end) })
    at = end
  }
  return entries
}

/**
 * The lines that entries make, in the order in which they ended. The engine cuts long lines into entries of 16 KiB, each
 * stream's in order; an unfinished line comes last.
 */
export function linesOf(entries: readonly LogEntry[]): string[] {
  const lines: string[] = []
  const open = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
  const end = (stream: LogEntry['stream']): void => {
    if (open[stream].length > 0)
      lines.push(
        Buffer.concat(open[stream])
          .toString()
          .replace(/\r?\n$/, ''),
      )
    open[stream] = []
  }
  for (const { stream, bytes } of entries) {
    open[stream].push(bytes)
    if (bytes.at(-1) === 0x0a) end(stream)
  }
  end('stdout')
  end('stderr')
  return lines
}
