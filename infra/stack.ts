import {
  type Bundle,
  bundleFlows,
  type CommitFacts,
  type FlowManifest,
  readManifests,
  releaseCommit,
} from '@millrace/release'
import { UserError } from '@millrace/sdk'
import { flowNames } from '@millrace/sdk/project'
import * as pulumi from '@pulumi/pulumi'
import { makeBundles } from './bundles.ts'
import type { BundleFiles } from './components/bundle-objects.ts'
import type { PlannedImage } from './components/flow-images.ts'
import { parseConfig, type RawConfig, type StackConfig } from './config.ts'
import { planImages } from './images.ts'
import type { Place } from './place.ts'

/** What a stack deploys. */
export interface Deployed {
  /** Of its flows. */
  readonly manifests: readonly FlowManifest[]
  /** By flow. */
  readonly bundles: ReadonlyMap<string, BundleFiles>
  readonly images: readonly PlannedImage[]
  /** What the release is made from. */
  readonly commit: CommitFacts | undefined
}

/** All that the program goes by. */
export interface Stack extends Deployed {
  readonly place: Place
  readonly config: StackConfig
}

/**
 * Reads the config of the stack that is being run, and its flows.
 * @param root the project's folder
 * @throws pulumi.RunError, which the engine prints as it is, when something in them is wrong
 */
export async function readStack(root: string): Promise<Stack> {
  const stack = pulumi.getStack()
  return await reading(async () => {
    const raw = rawConfig(stack)
    const manifests = await readManifests(root, Object.keys(raw.flows ?? {}))
    const config = parseConfig(stack, raw, { names: flowNames(root), manifests })
    const gcp = new pulumi.Config('gcp')
    const place: Place = {
      stack,
      project: setting(stack, gcp, 'project', 'the id of the Google Cloud project'),
      projectNumber: config.project.number,
      region: setting(stack, gcp, 'region', 'a region such as europe-west1'),
      protect: config.protect,
    }
    const plan = (bundles: Promise<Bundle[]>) => planImages(root, bundles, Object.keys(config.images))
    return { place, config, ...(await makeDeployed(root, manifests, plan)) }
  })
}

/** Lets the engine print what is wrong in a stack as it is. @throws pulumi.RunError */
export async function reading<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new pulumi.RunError(error.hint ? `${error.message}\n${error.hint}` : error.message)
  }
}

/** Compiles flows, and plans what is made of them at the same time. */
export async function makeDeployed(
  root: string,
  manifests: readonly FlowManifest[],
  plan: (bundles: Promise<Bundle[]>) => Promise<PlannedImage[]>,
): Promise<Deployed> {
  const compiled = bundleFlows(
    root,
    manifests.map(({ name }) => name),
  )
  const [bundles, images, commit] = await Promise.all([
    makeBundles(root, manifests, compiled),
    plan(compiled),
    releaseCommit(root),
  ])
  return { manifests, bundles, images, commit }
}

function setting(stack: string, config: pulumi.Config, key: string, what: string): string {
  const value = config.get(key)
  if (!value) throw new UserError(`Pulumi.${stack}.yaml: ${config.name}:${key} is required (${what})`)
  return value
}

/** All keys of ours, also those that are not known. Values are as they were written: numbers, lists, maps. */
export function rawConfig(stack: string): RawConfig {
  const prefix = `${pulumi.getProject()}:`
  const encrypted = JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS ?? '[]') as string[]
  const raw: Record<string, unknown> = {}
  for (const [key, text] of Object.entries(pulumi.runtime.allConfig() ?? {})) {
    if (!key.startsWith(prefix)) continue
    const name = key.slice(prefix.length)
    if (name === 'secretValues' && !encrypted.includes(key)) {
      throw new UserError(
        `Pulumi.${stack}.yaml: ${key} stands there in plain text; set each value with pulumi config set --secret --path`,
      )
    }
    raw[name] = parse(text)
  }
  return raw
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
