import { type StoreEntry, store, task } from '@millrace/sdk'
import { MANIFEST, readManifest } from './manifest.ts'

/** An object to copy, or to look at. */
export interface Planned {
  readonly path: string
  /** SHA-256 of what is at the sink: it is copied only if it has another one now. */
  readonly unless?: string
}

export interface Request {
  readonly source: string
  readonly sink: string
  readonly prefix: string
  readonly full: boolean
  readonly compare: 'content' | 'size'
}

export interface Plan {
  readonly objects: readonly Planned[]
  /** How many need not even be looked at. */
  readonly unchanged: number
}

/** Compares what the source has with what was copied before, and with what is still at the sink. */
export const plan = task(
  'plan',
  { retries: 2 },
  async ({ source, sink, prefix, full, compare }: Request): Promise<Plan> => {
    const [copied, there] = await Promise.all([readManifest(sink), sizes(sink, prefix)])
    const objects: Planned[] = []
    let unchanged = 0
    for await (const { path, size } of found(source, prefix)) {
      const before = Object.hasOwn(copied, path) ? copied[path] : undefined
      if (full || before?.size !== size || there.get(path) !== size) objects.push({ path })
      else if (compare === 'content') objects.push({ path, unless: before.sha256 })
      else unchanged++
    }
    return { objects, unchanged }
  },
)

async function sizes(url: string, prefix: string): Promise<Map<string, number>> {
  const known = new Map<string, number>()
  for await (const { path, size } of found(url, prefix)) known.set(path, size)
  return known
}

/** Without the manifest: a source may be the sink of a flow such as this one. */
async function* found(url: string, prefix: string): AsyncGenerator<StoreEntry> {
  for await (const entry of store(url).list(prefix)) if (entry.path !== MANIFEST) yield entry
}
