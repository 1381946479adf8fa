import { clusterPool, type Database, databaseTime, liveWorkers, queueDepth, withTurn } from '@millrace/engine'
import { LaunchError } from '../launcher.ts'
import { openTransport } from '../launchers/google/open-transport.ts'
import { openedOnce } from '../launchers/google/opened-once.ts'
import { Since } from '../since.ts'
import { instancesFor, isQuiet, type Load } from './instances.ts'
import type { PoolSettings, Pools } from './pool-settings.ts'
import { openWorkerPools } from './worker-pools.ts'

/** Between two looks (ms), which are ten seconds apart. */
const LONGEST_GAP = 60_000

export interface ScalerOptions {
  readonly database: Database
  readonly pools: Pools
  readonly project: string
  readonly region: string
  /** Stands for Google Cloud, and is asked without credentials. @default MILLRACE_GOOGLE_ENDPOINT */
  readonly endpoint?: string
  readonly say?: (level: 'info' | 'warn', text: string) => void
}

/** Keeps the size of worker clusters that cannot do so themselves. */
export interface Scaler {
  /** Looks at each cluster once; what cannot be done is said, once, and tried again by the next look. */
  look(): Promise<void>
  close(): Promise<void>
}

/**
 * Keeps the number of instances of worker pools of Cloud Run between their least and most, by how many tasks wait and run.
 * Any number of agents may do so: each looks, and one at a time changes something.
 */
export function poolScaler({ database, pools, project, region, say, ...options }: ScalerOptions): Scaler {
  const { endpoint = process.env.MILLRACE_GOOGLE_ENDPOINT } = options
  const quiet = new Map(Object.keys(pools).map((cluster) => [cluster, new Since(LONGEST_GAP)]))
  const troubles = new Map<string, string>()
  const opened = openedOnce(async () => openWorkerPools(project, region, await openTransport(endpoint)))

  async function look(): Promise<void> {
    // Also where it is another's turn: how long there has been nothing to do, each has to know.
    const looks = await Promise.all(
      Object.entries(pools).map(async ([cluster, settings]) => {
        const load = await loadOf(database, cluster)
        const quietFor = quiet.get(cluster)?.look(await databaseTime(database), isQuiet(load)) ?? 0
        return { cluster, settings, load, quietFor }
      }),
    )
    await withTurn(database, 'scale', async (signal) => {
      for (const each of looks) {
        if (signal.aborted) return
        await keep(each).catch((error: unknown) => trouble(each.cluster, error))
      }
    })
  }

  async function keep({ cluster, settings, load, quietFor }: Look): Promise<void> {
    const cloud = await opened.get()
    const { instances: now, trouble: words } = await cloud.read(settings.pool)
    const wanted = instancesFor(load, settings, now, quietFor)
    // A worker may have taken something since.
    const isToGo = wanted < now && isQuiet(await loadOf(database, cluster))
    if (wanted > now || isToGo) {
      await cloud.resize(settings.pool, wanted)
      const { waiting, running } = load
      say?.('info', `worker cluster ${cluster}: ${wanted} instances, not ${now}; ${waiting} tasks wait, ${running} run`)
    }
    if (words === undefined) troubles.delete(cluster)
    else once(cluster, `worker cluster ${cluster} does not come up: ${words}`)
  }

  function trouble(cluster: string, error: unknown): void {
    if (!(error instanceof LaunchError)) throw error
    once(cluster, `worker cluster ${cluster} is not scaled: ${error.message}`)
  }

  function once(cluster: string, text: string): void {
    if (troubles.get(cluster) === text) return
    troubles.set(cluster, text)
    say?.('warn', text)
  }

  return { look, close: () => opened.close() }
}

interface Look {
  readonly cluster: string
  readonly settings: PoolSettings
  readonly load: Load
  readonly quietFor: number
}

async function loadOf(database: Database, cluster: string): Promise<Load> {
  const pool = clusterPool(cluster)
  const [{ waiting, running }, workers] = await Promise.all([queueDepth(database, pool), liveWorkers(database)])
  return { waiting, running, busy: workers.filter((worker) => worker.pool === pool && worker.running > 0).length }
}
