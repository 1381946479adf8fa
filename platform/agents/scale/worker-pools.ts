import { ONCE } from '../launchers/google/calls.ts'
import { launchError } from '../launchers/google/refusal.ts'
import type { Transport } from '../launchers/google/transport.ts'

/** A worker pool as Cloud Run has it. */
export interface WorkerPool {
  /** Instances that there are to be. */
  readonly instances: number
  /** Why it does not come up, in Cloud Run's words. */
  readonly trouble?: string
}

/** Worker pools of Cloud Run in one region, by their short names. */
export interface WorkerPools {
  read(name: string): Promise<WorkerPool>
  /** Has it become so many; it is not waited for. */
  resize(name: string, instances: number): Promise<void>
  close(): Promise<void>
}

/** @throws LaunchError by its methods, in Google's words: the permission that is missing, for one */
export async function openWorkerPools(project: string, region: string, auth: Transport): Promise<WorkerPools> {
  const { WorkerPoolsClient } = await import('@google-cloud/run')
  const client = new WorkerPoolsClient({ auth, fallback: true })
  const fullName = (name: string): string => `projects/${project}/locations/${region}/workerPools/${name}`
  return {
    read: (name) =>
      tried(`look at the worker pool ${name}`, async () => {
        const [{ scaling, terminalCondition }] = await client.getWorkerPool({ name: fullName(name) }, ONCE)
        const isFailed = terminalCondition?.state === 'CONDITION_FAILED'
        return {
          instances: scaling?.manualInstanceCount ?? 0,
          ...(isFailed && { trouble: terminalCondition.message || 'it is not ready' }),
        }
      }),
    resize: (name, instances) =>
      tried(`set the number of instances of the worker pool ${name} to ${instances}`, async () => {
        const workerPool = { name: fullName(name), scaling: { manualInstanceCount: instances } }
        // Nothing else of it. The client passes the path on as it is, and in JSON it is written like this.
        await client.updateWorkerPool({ workerPool, updateMask: { paths: ['scaling.manualInstanceCount'] } }, ONCE)
      }),
    close: () => client.close(),
  }
}

async function tried<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw launchError(`${what} on Cloud Run`, error)
  }
}
