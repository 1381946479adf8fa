import { z } from 'zod'
import { type FlowManifest, flowManifest } from '../manifest.ts'
import type { Bundle } from './bundle-flow.ts'

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256, as 64 digits 0-9 and a-f')
const bytes = z.int().min(0)

/** What a bundle is, without its code: the manifest of its flow, and what an image or a machine must have to run it. */
export const bundleManifest = flowManifest.extend({
  digest: sha256,
  /** Bytes of code. */
  size: bytes,
  /** Files that ship with it, by their path in the project. */
  assets: z.array(z.strictObject({ path: z.string(), size: bytes, sha256 })),
  /** Packages that are not in it, with their exact versions: they must be installed where it runs. */
  externals: z.record(z.string(), z.string()),
})

export type BundleManifest = z.infer<typeof bundleManifest>

export function bundleManifestOf({ digest, code, assets, externals }: Bundle, flow: FlowManifest): BundleManifest {
  return {
    ...flow,
    digest,
    size: Buffer.byteLength(code),
    assets: assets.map(({ path, size, sha256 }) => ({ path, size, sha256 })),
    externals,
  }
}
