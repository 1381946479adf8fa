import { store, task, UserError } from '@millrace/sdk'

/** A part of the work, for one task to do. */
export interface Part {
  readonly path: string
  /** Bytes. */
  readonly size: number
}

/** Cuts the work into parts: here, one for each object. The largest first, so that none is left to be waited for. */
export const plan = task('plan', { retries: 2 }, async (source: string, prefix: string): Promise<Part[]> => {
  const parts: Part[] = []
  for await (const { path, size } of store(source).list(prefix)) if (path.endsWith('.jsonl')) parts.push({ path, size })
  if (parts.length === 0) {
    throw new UserError(`there is nothing to measure in ${source}: no .jsonl object starts with "${prefix}"`)
  }
  return parts.sort((a, b) => b.size - a.size)
})
