import { readManifests } from '@millrace/release'
import { flowNames } from '@millrace/sdk/project'
import * as pulumi from '@pulumi/pulumi'
import { type Deployed, makeDeployed, rawConfig, reading } from '../stack.ts'
import { type LocalConfig, parseLocalConfig } from './config.ts'
import { type LocalSystem, planLocalImages, processorHere } from './images.ts'

/** All that the program goes by. */
export interface LocalStack extends Deployed {
  readonly stack: string
  readonly config: LocalConfig
  readonly system: LocalSystem
}

/**
 * Reads the config of the stack that is being run, and its flows.
 * @param root the project's folder
 * @throws pulumi.RunError, which the engine prints as it is, when something in them is wrong
 */
export async function readLocalStack(root: string): Promise<LocalStack> {
  const stack = pulumi.getStack()
  return await reading(async () => {
    const raw = rawConfig(stack)
    const manifests = await readManifests(root, Object.keys(raw.flows ?? {}))
    const config = parseLocalConfig(stack, raw, { names: flowNames(root), manifests })
    const system = { base: config.base, processor: config.processor ?? processorHere() }
    const made = await makeDeployed(root, manifests, (bundles) => planLocalImages(root, bundles, system))
    return { stack, config, system, ...made }
  })
}
