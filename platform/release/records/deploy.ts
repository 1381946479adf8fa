import { type Store, store, UserError } from '@millrace/sdk'
import { flowNames } from '@millrace/sdk/project'
import { type Bundle, bundleFlows } from '../bundle/bundle-flow.ts'
import { readManifests } from '../read-manifests.ts'
import type { DeploymentChange } from './compare-releases.ts'
import { type BuiltFlow, type DeployInput, isAble } from './deploy-input.ts'
import { type DeployTarget, deployTarget } from './deploy-target.ts'
import { imageByDigest } from './deployment.ts'
import { commitOf, gitFacts } from './git.ts'
import { type Act, makeMove, moveBefore, type NextMove } from './make-move.ts'
import type { Move } from './move.ts'
import { planBranch } from './plan-branch.ts'
import { planRelease } from './plan-release.ts'
import { putBundle } from './put-bundle.ts'
import { readRelease, writeRelease } from './read-releases.ts'
import type { Release } from './release.ts'
import { stackSettings } from './stack-settings.ts'
import { readState, type State } from './state.ts'

/** What a person asks for. */
export interface DeployRequest {
  /** Folder of the project. */
  readonly root: string
  /** Where the records are. */
  readonly records: Store
  readonly stack: string
  /** Names of flows; none for those that differ from what is deployed. */
  readonly flows: readonly string[]
  /** @default the one that is checked out */
  readonly branch?: string | undefined
  /** In place of the runtime image, on a branch. */
  readonly image?: string | undefined
  /** Where the bundles are: a URL. @default where the current release has them */
  readonly bundles?: string | undefined
  /** Where they are to be before the first release; undefined where that is for `up` to make. */
  readonly firstBundles: string | undefined
  /** Whether schedules are live. @default as the config of the stack says */
  readonly schedules?: boolean | undefined
  readonly act: Act
}

/** What a deploy changes, or would. */
export interface Deployed {
  readonly target: DeployTarget
  readonly changes: readonly DeploymentChange[]
  /** Flows that only `up` can bring into the stack. */
  readonly left: readonly string[]
  /** Undefined in a dry run, and where nothing changes. */
  readonly move: Move | undefined
}

interface Prepared {
  readonly request: DeployRequest
  readonly target: DeployTarget
  readonly bundles: readonly Bundle[]
  readonly input: Omit<DeployInput, 'base' | 'bundles' | 'only'>
}

interface Planned extends Omit<Deployed, 'target' | 'move'> {
  /** Makes it so, but for the move. */
  readonly begin: () => Promise<NextMove>
  /** Where bundles go. */
  readonly bundles: string
}

/**
 * Bundles the flows of a checkout, and deploys those that are asked for, or that differ from what is deployed. The
 * bundles are there before anything names them; a deploy that is killed has changed nothing, or all.
 * @throws UserError when it may not be deployed there, or a flow does not compile
 */
export async function deploy(request: DeployRequest): Promise<Deployed> {
  const prepared = await prepare(request)
  let first: Planned | undefined
  const move = await makeMove(request.records, request.act, async (state) => {
    // Where somebody else was quicker, theirs stays: what differed from what was there before is what is deployed.
    const planned = await plan(prepared, state, first?.changes)
    first ??= planned
    return planned.changes.length > 0 ? await planned.begin() : undefined
  })
  const { changes = [], left = [] } = first ?? {}
  return { target: prepared.target, changes, left, move }
}

/** What a deploy would change. */
export async function planDeploy(request: DeployRequest): Promise<Deployed> {
  const prepared = await prepare(request)
  const { changes, left } = await plan(prepared, await readState(request.records))
  return { target: prepared.target, changes, left, move: undefined }
}

async function prepare(request: DeployRequest): Promise<Prepared> {
  const { root, stack, branch, image } = request
  if (image !== undefined && !imageByDigest.safeParse(image).success) {
    throw new UserError(`--image: "${image}" may be another image tomorrow; give its digest: NAME@sha256:…`)
  }
  const read = stackSettings(root, stack)
  const settings = { ...read, schedules: request.schedules ?? read.schedules }
  const git = await gitFacts(root, settings.isOpen ? undefined : settings)
  const target = deployTarget({ branch, image }, settings, git)
  const names = flowNames(root)
  const chosen = await flowsToBundle(request, names)
  const manifests = readManifests(root, chosen)
  manifests.catch(() => {})
  const bundles = await bundleFlows(root, chosen)
  const digests = new Map(bundles.map((each) => [each.flow, each.digest]))
  const flows = (await manifests).map((manifest): BuiltFlow => ({ manifest, digest: digests.get(manifest.name) ?? '' }))
  return { request, target, bundles, input: { settings, names, flows, commit: commitOf(git) } }
}

/** Where only `up` can bring flows into a stack, those that are in it; the others need not even compile. */
async function flowsToBundle({ records, flows }: DeployRequest, names: readonly string[]): Promise<readonly string[]> {
  if (flows.length > 0) return flows
  const { release } = await readState(records)
  const base = release === undefined ? undefined : await readRelease(records, release)
  return names.filter((name) => isAble(base, name))
}

async function plan(prepared: Prepared, state: State, changes?: readonly DeploymentChange[]): Promise<Planned> {
  const { request, target, input } = prepared
  const { records, flows } = request
  const base = state.release === undefined ? undefined : await readRelease(records, state.release)
  const bundles = bundlesFor(request, base)
  const only = changes?.map(({ name }) => name.replace(/@.*/, '')) ?? (flows.length > 0 ? flows : undefined)
  const whole = { ...input, base, bundles, only }
  return target.kind === 'branch'
    ? planForBranch(prepared, state, whole, target.branch)
    : planForRelease(prepared, state, whole)
}

function planForRelease(prepared: Prepared, state: State, input: DeployInput): Planned {
  const { records, act } = prepared.request
  const { record, changes, left } = planRelease(input)
  const begin = async (): Promise<NextMove> => {
    await putBundles(prepared, changes, input.bundles)
    const release = await writeRelease(records, record, act.now?.() ?? new Date())
    const before = moveBefore(state.head, release)
    return { kind: 'deploy', names: changes.map(({ name }) => name), release, before, branches: state.branches }
  }
  return { changes, left, begin, bundles: input.bundles }
}

function planForBranch(prepared: Prepared, state: State, input: DeployInput, branch: string): Planned {
  const { image, act } = prepared.request
  const at = (act.now?.() ?? new Date()).toISOString()
  const { branches, changes, left } = planBranch({ ...input, branch, image, branches: state.branches, by: act.by, at })
  const begin = async (): Promise<NextMove> => {
    await putBundles(prepared, changes, input.bundles)
    const names = changes.map(({ name }) => name)
    return { kind: 'deploy', names, release: state.release, before: state.head?.before, branches }
  }
  return { changes, left, begin, bundles: input.bundles }
}

async function putBundles({ bundles, input }: Prepared, changes: readonly DeploymentChange[], url: string) {
  const place = store(url)
  for (const { name, change } of changes) {
    const flow = name.replace(/@.*/, '')
    const bundle = bundles.find((each) => each.flow === flow)
    const built = input.flows.find(({ manifest }) => manifest.name === flow)
    if (change !== 'removed' && bundle && built) await putBundle(place, bundle, built.manifest)
  }
}

/** @throws UserError when the store is another stack's, or nobody says where bundles go */
function bundlesFor({ records, stack, bundles, firstBundles }: DeployRequest, base: Release | undefined): string {
  if (base && base.stack !== stack) {
    throw new UserError(
      `the releases in ${records.url} are those of the stack ${base.stack}, not of ${stack}`,
      `Say --stack ${base.stack}, or another --store.`,
    )
  }
  if (base && bundles !== undefined && bundles !== base.bundles) {
    throw new UserError(`--bundles: the bundles of this stack are in ${base.bundles}; leave it out, or say that`)
  }
  const url = base?.bundles ?? bundles ?? firstBundles
  if (url !== undefined) return url
  throw new UserError(`there is no release in ${records.url} yet: the first one of a stack is made by "pulumi up"`)
}
