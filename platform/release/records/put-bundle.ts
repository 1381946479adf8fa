import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Store, UserError } from '@millrace/sdk'
import { allOrMistake } from '../all-or-mistake.ts'
import type { Bundle } from '../bundle/bundle-flow.ts'
import { bundleManifestOf } from '../bundle/bundle-manifest.ts'
import type { FlowManifest } from '../manifest.ts'

const AT_ONCE = 16

/** Path of a bundle's code in a store of bundles. */
export function bundlePath(flow: string, digest: string): string {
  return `${flow}/${digest}.mjs`
}

/**
 * Puts a bundle into a store, as `writeBundle` writes it into a folder: its code last, so that where it is, all is.
 * @returns whether it was not there yet
 * @throws UserError when one of its files is no longer what went into the digest
 */
export async function putBundle(store: Store, bundle: Bundle, manifest: FlowManifest): Promise<boolean> {
  const { flow, digest, code, map, assets } = bundle
  const path = bundlePath(flow, digest)
  if (await store.exists(path)) return false
  await allOrMistake(
    assets,
    async (asset) => {
      const bytes = await readFile(asset.file)
      if (createHash('sha256').update(bytes).digest('hex') !== asset.sha256) {
        throw new UserError(`${asset.path} was changed while its flow was bundled; do it again`)
      }
      await store.write(`${flow}/${digest}/${asset.path}`, bytes)
    },
    AT_ONCE,
  )
  await store.write(`${flow}/${digest}.json`, `${JSON.stringify(bundleManifestOf(bundle, manifest), null, 2)}\n`)
  await store.write(`${path}.map`, JSON.stringify(map))
  await store.write(path, code)
  return true
}
