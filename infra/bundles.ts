import { join, relative } from 'node:path'
import { type Bundle, bundleManifestOf, type FlowManifest, writeBundle } from '@millrace/release'
import type { BundleFiles } from './components/bundle-objects.ts'

/**
 * Writes the bundles of flows below `.millrace/bundles`, where those that were made before are.
 * @throws UserError when one does not compile
 */
export async function makeBundles(
  root: string,
  manifests: readonly FlowManifest[],
  compiled: Promise<readonly Bundle[]>,
): Promise<Map<string, BundleFiles>> {
  const folder = join(root, '.millrace', 'bundles')
  const bundles = await compiled
  const made = manifests.map(async (manifest, i): Promise<[string, BundleFiles]> => {
    const bundle = bundles[i]
    if (!bundle) throw new Error(`there is no bundle of ${manifest.name}`)
    await writeBundle(folder, bundle, bundleManifestOf(bundle, manifest))
    const { flow, digest, assets } = bundle
    const paths = [
      ...assets.map(({ path }) => `${flow}/${digest}/${path}`),
      `${flow}/${digest}.json`,
      `${flow}/${digest}.mjs.map`,
      `${flow}/${digest}.mjs`,
    ]
    // From where the program runs, so that a plan is the same in every folder.
    const here = relative(process.cwd(), folder).replaceAll('\\', '/')
    return [flow, { flow, digest, files: new Map(paths.map((path) => [path, `${here}/${path}`])) }]
  })
  return new Map(await Promise.all(made))
}
