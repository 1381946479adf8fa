import { fileURLToPath } from 'node:url'
import { LocalAgent } from './agent.ts'
import { LocalConsole } from './console.ts'
import { LocalData } from './data.ts'
import { LocalDatabase } from './database.ts'
import type { LocalFoundation } from './foundation.ts'
import { LocalImages } from './local-images.ts'
import { LocalNetwork } from './network.ts'
import { type LocalFlow, LocalRelease } from './release.ts'
import { readLocalStack } from './stack.ts'
import { LocalWorkers } from './workers.ts'

/** Everything that exists in one Docker engine: config and the flows' manifests in, containers out. */

const { stack, config, system, manifests, bundles, images, commit } = await readLocalStack(
  fileURLToPath(new URL('../..', import.meta.url)),
)
const { protect, folder, schedules } = config

const localImages = new LocalImages('images', { images, system })
const { network } = new LocalNetwork('network', { stack })
const database = new LocalDatabase('database', { stack, network, protect, config: config.database })
const data = new LocalData('data', { stack, protect, folder, image: localImages.of('agent') })
const foundation: LocalFoundation = { stack, network, images: localImages, database, data }

const agent = new LocalAgent('agent', { foundation, config: config.agent })
const workerClusters = Object.entries(config.workerClusters).map(
  ([workers, each]) => new LocalWorkers(`workers-${workers}`, { foundation, workers, config: each }),
)
const console_ = new LocalConsole('console', { foundation, config: config.console })
const runners = [agent.container, ...workerClusters.flatMap(({ containers }) => containers)]
const release = new LocalRelease('release', { foundation, flows: makeFlows(), schedules, runners, commit })

export const consoleUrl = console_.url
export const releaseMade = release.id
/** Whether what holds data is protected. */
export const isProtected = protect

function makeFlows(): LocalFlow[] {
  return Object.entries(config.flows).map(([name, each]) => {
    const manifest = manifests.find((one) => one.name === name)
    const bundle = bundles.get(name)
    if (!manifest || !bundle) throw new Error('config names no flow that is not there')
    return { manifest, bundle, config: each }
  })
}
