import { createHash } from 'node:crypto'
import { readFileSync, realpathSync } from 'node:fs'
import { UserError } from '@millrace/sdk'
import { flowNames } from '@millrace/sdk/project'
import { allOrMistake } from '../all-or-mistake.ts'
import { lockedVersions } from '../locked-versions.ts'
import { AT_ONCE, type Bundle, bundleFlow } from './bundle-flow.ts'
import { packageName } from './installed-package.ts'
import { placeOf } from './place.ts'

/** Where the bundler may be installed: beside another version of it, or not. */
const BUNDLER = ['platform/release/node_modules/rolldown', 'node_modules/rolldown']

/** What a flow's bundle is, and what it was made of. */
export interface BundleState {
  /** Undefined for a flow that does not compile. */
  readonly digest: string | undefined
  readonly fault: UserError | undefined
  /** SHA-256 of each file of ours that is in it, by its path in the project. */
  readonly files: ReadonlyMap<string, string>
  /** Version of each package that is in it, that it needs, or that it is made with: those of package-lock.json. */
  readonly packages: ReadonlyMap<string, string>
}

/** The bundles of all flows of a project. */
export async function bundleStates(root: string): Promise<Map<string, BundleState>> {
  const locked = lockedVersions(root)
  const look = async (flow: string) => [flow, await stateOf(root, flow, locked)] as const
  return new Map(await allOrMistake(flowNames(root), look, AT_ONCE))
}

async function stateOf(root: string, flow: string, locked: ReadonlyMap<string, string>): Promise<BundleState> {
  try {
    const bundle = await bundleFlow(root, flow)
    return {
      digest: bundle.digest,
      fault: undefined,
      files: ourFiles(bundle, root),
      packages: packagesOf(bundle, root, locked),
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return { digest: undefined, fault: error, files: new Map(), packages: new Map() }
  }
}

/** Without packages that are installed; those that are links into the project are ours. */
function ourFiles({ modules, assets }: Bundle, root: string): Map<string, string> {
  const home = realpathSync(root)
  const places = modules.flatMap((module) => {
    const file = realpathSync(module)
    const place = placeOf(home, file)
    return place === undefined || isOfPackage(place) ? [] : [[place, sha256(readFileSync(file))] as const]
  })
  return new Map([...places, ...assets.map(({ path, sha256 }) => [path, sha256] as const)])
}

function packagesOf(
  { modules, externals }: Bundle,
  root: string,
  locked: ReadonlyMap<string, string>,
): Map<string, string> {
  const installed = modules.flatMap((module) => {
    const place = placeOf(root, module)
    return place !== undefined && isOfPackage(place) ? [installedAt(place)] : []
  })
  const bundler = BUNDLER.filter((path) => locked.has(path)).slice(0, 1)
  const all = [...installed, ...Object.keys(externals).map((name) => `node_modules/${name}`), ...bundler]
  return new Map(
    all.flatMap((path) => {
      const version = locked.get(path)
      return version === undefined ? [] : [[path.replace(/^.*node_modules\//, ''), version] as const]
    }),
  )
}

function isOfPackage(place: string): boolean {
  return place.split('/').includes('node_modules')
}

/** `node_modules/zod` of `node_modules/zod/v4/core.js`. */
function installedAt(place: string): string {
  const [, before = '', rest = ''] = /^(.*node_modules\/)(.*)$/.exec(place) ?? []
  return before + packageName(rest)
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
