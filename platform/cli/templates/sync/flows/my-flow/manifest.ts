import { store } from '@millrace/sdk'
import { z } from 'zod'
import type { Copied } from './copy.ts'

/** The object at the sink that says what was copied. */
export const MANIFEST = 'sync-manifest.json'

const manifest = z.object({
  objects: z.record(z.string(), z.object({ size: z.int(), sha256: z.string() })),
})

export type Objects = z.infer<typeof manifest>['objects']

/** What was copied to a sink so far, by path. */
export async function readManifest(sink: string): Promise<Objects> {
  const to = store(sink)
  return (await to.exists(MANIFEST)) ? manifest.parse(await to.readJson(MANIFEST)).objects : {}
}

/**
 * Adds to what was copied. It comes after the copies: what a run that is killed has copied is not in it, and is copied
 * again by the next, which does no harm.
 */
export async function record(sink: string, copied: readonly Copied[]): Promise<void> {
  if (copied.length === 0) return
  const more = copied.map(({ path, size, sha256 }) => [path, { size, sha256 }] as const)
  const objects: Objects = { ...(await readManifest(sink)), ...Object.fromEntries(more) }
  await store(sink).writeJson(MANIFEST, { objects })
}
