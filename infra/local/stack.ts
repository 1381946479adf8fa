import { bundleFlows, type CommitFacts, type FlowManifest, readManifests, releaseCommit } from '@millrace/release'
import { UserError } from '@millrace/sdk'
import { flowNames } from '@millrace/sdk/project'
import * as pulumi from '@pulumi/pulumi'
import { makeBundles } from '../bundles.ts'
import type { BundleFiles } from '../components/bundle-objects.ts'
import type { PlannedImage } from '../components/flow-images.ts'
import { rawConfig } from '../stack.ts'
import { type LocalConfig, parseLocalConfig } from './config.ts'
import { type LocalSystem, planLocalImages, processorHere } from './images.ts'

/** All that the program goes by. */
export interface LocalStack {
  readonly stack: string
  readonly config: LocalConfig
  readonly system: LocalSystem
  /** Of the flows that the stack deploys. */
  readonly manifests: readonly FlowManifest[]
  /** By flow. */
  readonly bundles: ReadonlyMap<string, BundleFiles>
  readonly images: readonly PlannedImage[]
  /** What the release is made from. */
  readonly commit: CommitFacts | undefined
}

/**
 * Reads the config of the stack that is being run, and its flows.
 * @param root the project's folder
 * @throws pulumi.RunError, which the engine prints as it is, when something in them is wrong
 */
export async function readLocalStack(root: string): Promise<LocalStack> {
  const stack = pulumi.getStack()
  try {
    const raw = rawConfig(stack)
    const names = Object.keys(raw.flows ?? {})
    const manifests = await readManifests(root, names)
    const config = parseLocalConfig(stack, raw, { names: flowNames(root), manifests })
    const system = { base: config.base, processor: config.processor ?? processorHere() }
    const compiled = bundleFlows(
      root,
      manifests.map(({ name }) => name),
    )
    const [bundles, images, commit] = await Promise.all([
      makeBundles(root, manifests, compiled),
      planLocalImages(root, compiled, system),
      releaseCommit(root),
    ])
    return { stack, config, system, manifests, bundles, images, commit }
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new pulumi.RunError(error.hint ? `${error.message}\n${error.hint}` : error.message)
  }
}
