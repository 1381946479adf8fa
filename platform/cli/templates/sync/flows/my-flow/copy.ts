import { createHash } from 'node:crypto'
import { type Skipped, skip, store, task } from '@millrace/sdk'
import type { Planned } from './plan.ts'

export interface Copied {
  readonly path: string
  /** Bytes. */
  readonly size: number
  readonly sha256: string
}

/** Copies one object, piece by piece. A reader of the sink sees the old one or the new one, never half of it. */
export const copy = task(
  'copy',
  { retries: 3, backoff: 'exponential', timeout: '1 hour', limit: 16, io: true },
  async ({ path, unless }: Planned, source: string, sink: string): Promise<Copied | Skipped> => {
    if (unless !== undefined && (await sha256Of(store(source).stream(path))) === unless) return skip('has not changed')
    const hash = createHash('sha256')
    let size = 0
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of store(source).stream(path)) {
        hash.update(piece)
        size += piece.length
        yield piece
      }
    }
    await store(sink).write(path, pieces())
    // Of what was copied, not of what was listed: the object may have changed in between.
    return { path, size, sha256: hash.digest('hex') }
  },
)

async function sha256Of(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of pieces) hash.update(piece)
  return hash.digest('hex')
}
