import { isAbsolute, join, relative } from 'node:path'
import { checkFlowName, flowNames } from '@millrace/engine'
import {
  type Bundle,
  type BundleManifest,
  bundleFlows,
  bundleManifestOf,
  type FlowManifest,
  readManifests,
  writeBundle,
} from '@millrace/release'
import { formatBytes } from '@millrace/sdk'
import { table } from '../output/table.ts'
import { root } from '../project.ts'

/** `millrace bundle [FLOW…]` */
export async function bundle(
  names: readonly string[],
  { out, json }: { readonly out: string; readonly json?: boolean },
): Promise<void> {
  for (const name of names) checkFlowName(root, name)
  const flows = flowNames(root).filter((name) => names.length === 0 || names.includes(name))
  const dir = isAbsolute(out) ? out : join(process.cwd(), out)
  const written = await Promise.all(
    (await makeAll(flows)).map(async ({ bundle, manifest }) => ({
      ...manifest,
      file: shown(await writeBundle(dir, bundle, manifest)),
    })),
  )
  if (json) process.stdout.write(`${JSON.stringify(written, null, 2)}\n`)
  else if (written.length === 0) process.stdout.write('There is no flow here yet: make flows/NAME/flow.ts.\n')
  else {
    const rows = written.map(({ name, digest, size, assets }) => [name, digest, formatBytes(size), files(assets)])
    process.stdout.write(`${table([['FLOW', 'DIGEST', 'SIZE', 'FILES'], ...rows])}\nin ${shown(dir)}\n`)
  }
}

/** Code and metadata of flows, at once; where a flow does not compile, that is what is said of it. */
async function makeAll(flows: readonly string[]): Promise<{ bundle: Bundle; manifest: BundleManifest }[]> {
  const manifests = readManifests(root, flows)
  manifests.catch(() => {})
  const bundles = await bundleFlows(root, flows)
  const byName = new Map<string, FlowManifest>((await manifests).map((each) => [each.name, each]))
  return bundles.flatMap((bundle) => {
    const manifest = byName.get(bundle.flow)
    return manifest ? [{ bundle, manifest: bundleManifestOf(bundle, manifest) }] : []
  })
}

function files(assets: BundleManifest['assets']): string {
  if (assets.length === 0) return 'none'
  return `${assets.length}, ${formatBytes(assets.reduce((sum, { size }) => sum + size, 0))}`
}

/** As a person would type it. */
function shown(path: string): string {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') ? path : short || '.'
}
