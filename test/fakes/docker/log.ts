/** What a container printed, as an engine keeps it: entries of at most 16 KiB, a line or a part of one. */
export class ContainerLog {
  private readonly entries: { readonly stream: 1 | 2; readonly bytes: Buffer }[] = []
  private readonly open = { 1: Buffer.alloc(0), 2: Buffer.alloc(0) }

  /** @param stream 1: standard output, 2: standard error */
  write(stream: 1 | 2, piece: Buffer): void {
    let rest = Buffer.concat([this.open[stream], piece])
    for (;;) {
      const end = rest.indexOf('\n') + 1
      const size = end > 0 && end <= ENTRY ? end : rest.length >= ENTRY ? ENTRY : 0
      if (size === 0) break
      this.entries.push({ stream, bytes: rest.subarray(0, size) })
      rest = rest.subarray(size)
    }
    this.open[stream] = rest
  }

  /** What is left without a newline is an entry, too. */
  end(): void {
    for (const stream of [1, 2] as const) {
      if (this.open[stream].length > 0) this.entries.push({ stream, bytes: this.open[stream] })
      this.open[stream] = Buffer.alloc(0)
    }
  }

  /** The last entries, each in its frame. */
  frames(tail: number): Buffer {
    const last = tail > 0 ? this.entries.slice(-tail) : []
    return Buffer.concat(last.flatMap(({ stream, bytes }) => [headerOf(stream, bytes.length), bytes]))
  }
}

const ENTRY = 16 * 1024

function headerOf(stream: number, length: number): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt8(stream, 0)
  header.writeUInt32BE(length, 4)
  return header
}
