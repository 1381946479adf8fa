import { type Store, store } from '@millrace/sdk'
import { checkOutput } from './destination.ts'

/** Where the files of a run are written: below `prefix` in a store. */
export interface Output {
  readonly url: string
  /** Empty, or ends in "/". */
  readonly prefix: string
}

/** What a task wrote. */
export interface Written {
  readonly files: number
  readonly bytes: number
}

export const NOTHING_WRITTEN: Written = { files: 0, bytes: 0 }

export function totalWritten(parts: Iterable<Written | undefined>): Written {
  let files = 0
  let bytes = 0
  for (const part of parts) {
    files += part?.files ?? 0
    bytes += part?.bytes ?? 0
  }
  return { files, bytes }
}

const BATCH_FILES = 2048
const BATCH_BYTES = 8 << 20

/** Writes many small files in batches, and counts them. */
export class OutputWriter {
  private readonly store: Store
  private readonly output: Output
  private readonly prefix: string
  private batch: [string, string | Uint8Array][] = []
  private batchBytes = 0
  private files = 0
  private bytes = 0

  constructor(output: Output) {
    this.store = store(output.url)
    this.output = output
    this.prefix = output.prefix
  }

  /** Takes a file for the next batch. */
  add(path: string, data: string | Uint8Array): void {
    this.batch.push([this.prefix + path, data])
    const size = typeof data === 'string' ? Buffer.byteLength(data) : data.byteLength
    this.batchBytes += size
    this.bytes += size
    this.files++
  }

  /** Writes what was taken, once it is worth it. */
  async drain(): Promise<void> {
    if (this.batch.length >= BATCH_FILES || this.batchBytes >= BATCH_BYTES) await this.flush()
  }

  async flush(): Promise<void> {
    const batch = this.batch
    this.batch = []
    this.batchBytes = 0
    if (batch.length === 0) return
    checkOutput(this.output)
    await this.store.writeAll(batch)
  }

  /** Writes one file of any size, piece by piece. */
  async stream(path: string, pieces: AsyncIterable<string>): Promise<void> {
    const count = (size: number): void => {
      this.bytes += size
    }
    async function* bytes(): AsyncGenerator<Uint8Array> {
      for await (const piece of pieces) {
        const data = Buffer.from(piece)
        count(data.byteLength)
        yield data
      }
    }
    checkOutput(this.output)
    await this.store.write(this.prefix + path, bytes())
    this.files++
  }

  get written(): Written {
    return { files: this.files, bytes: this.bytes }
  }
}
