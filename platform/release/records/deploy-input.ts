import { UserError } from '@millrace/sdk'
import type { FlowManifest } from '../manifest.ts'
import { type Deployment, deploymentOf } from './deployment.ts'
import type { CommitFacts, Release } from './release.ts'
import { type StackSettings, stackWordOf } from './stack-settings.ts'

/** A flow of this checkout. */
export interface BuiltFlow {
  readonly manifest: FlowManifest
  /** Of its bundle. */
  readonly digest: string
}

/** What is to be deployed, and on top of what. */
export interface DeployInput {
  readonly settings: StackSettings
  /** The release that is current; undefined before the first. */
  readonly base: Release | undefined
  /** Names of all that the project has. */
  readonly names: readonly string[]
  /** Those that may be deployed, in order of name. */
  readonly flows: readonly BuiltFlow[]
  /** Only these. @default those that differ from what is deployed */
  readonly only: readonly string[] | undefined
  /** Where bundles are: a URL. */
  readonly bundles: string
  readonly commit: CommitFacts | undefined
}

/** Those that are to be deployed, and can be. @throws UserError for one that was named, and cannot be */
export function chosenFlows({ settings, base, flows, only }: DeployInput): BuiltFlow[] {
  const chosen = flows.filter(({ manifest }) => only?.includes(manifest.name) ?? true)
  const refused = chosen.find(({ manifest }) => !isAble(base, manifest.name))?.manifest.name
  if (refused !== undefined && only) {
    throw new UserError(
      `flow ${refused} is not in the stack ${settings.stack} yet, so it has no service account`,
      `Add it to millrace:flows in Pulumi.${settings.stack}.yaml; "pulumi up" makes the account.`,
    )
  }
  return chosen.filter(({ manifest }) => isAble(base, manifest.name))
}

/** Where flows are service accounts, only `up` can make one more. */
export function isAble(base: Release | undefined, flow: string): boolean {
  const deployments = Object.values(base?.deployments ?? {})
  return deployments.every(({ account }) => account === undefined) || base?.deployments[flow] !== undefined
}

/** Flows that the stack is to have, and has not yet. */
export function leftOut({ settings, base, names, only }: DeployInput): string[] {
  return only ? [] : names.filter((name) => Object.hasOwn(settings.flows, name) && !isAble(base, name))
}

/** What a flow's deployment is with its bundle, and its word, as they are here. */
export function nextDeployment({ settings, base }: DeployInput, { manifest, digest }: BuiltFlow): Deployment {
  const { name, secrets } = manifest
  const old = base?.deployments[name]
  if (!old) {
    const given = { bundle: digest, image: base?.images.runtime, secretVersions: {}, schedules: settings.schedules }
    return deploymentOf(manifest, {}, given)
  }
  const isCloud = old.account !== undefined
  const missing = secrets.find((each) => isCloud && old.secretVersions[each] === undefined)
  if (missing !== undefined) {
    throw new UserError(
      `flow ${name} reads the secret ${missing}, which it may not read in the stack ${settings.stack} yet`,
      'Merge it: "pulumi up" lets it.',
    )
  }
  const versions = Object.entries(old.secretVersions).filter(([each]) => secrets.includes(each))
  return deploymentOf(manifest, isCloud ? stackWordOf(old, settings.flows[name] ?? []) : {}, {
    bundle: digest,
    // A flow image has the old bundle in it; the runtime image gets any.
    image: digest === old.bundle ? old.image : (base?.images.runtime ?? old.image),
    account: old.account,
    store: old.store,
    secretVersions: Object.fromEntries(versions),
    schedules: settings.schedules,
  })
}
