import type { Machine } from '@millrace/engine'
import { IN_IMAGE, type JobSpec, jobLabels, LaunchError } from '../../launcher.ts'
import type { CustomJob } from './api.ts'
import { machineFor } from './machine-type.ts'

/** What is said of no machine, but of where all of them are. */
export interface Surroundings {
  /** The network that is peered with Google's services: `projects/NUMBER/global/networks/NAME`. */
  readonly network?: string | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

/**
 * Pure: a job as Vertex AI is asked for it: the driver is its first worker pool, the run's workers are the second. Such a
 * job is over when the driver is.
 */
export function customJob(spec: JobSpec, { network, now }: Surroundings): CustomJob {
  const { name, account, deadline, driver, workers } = spec
  const pools = [
    pool(spec, IN_IMAGE.driver, driver, 1),
    ...(workers.count > 0 ? [pool(spec, IN_IMAGE.worker, workers, workers.count)] : []),
  ]
  return {
    // Vertex AI gives jobs numbers for names: by this one they are found.
    displayName: name,
    labels: jobLabels(spec),
    jobSpec: {
      workerPoolSpecs: pools,
      scheduling: {
        strategy: isSpot(spec) ? 'SPOT' : 'STANDARD',
        restartJobOnWorkerRestart: false,
        disableRetries: true,
        ...(deadline !== undefined && { timeout: { seconds: Math.max(1, Math.ceil((deadline - now) / 1000)) } }),
      },
      ...(account !== undefined && { serviceAccount: account }),
      ...(network !== undefined && { network }),
    },
  }
}

/** All machines of a job are spot machines or none is, and a driver that did not ask for one does not get one. */
function isSpot({ driver, workers }: JobSpec): boolean {
  return driver.spot === true && (workers.count === 0 || workers.spot === true)
}

function pool(
  { name, image, environment }: JobSpec,
  [command, ...args]: readonly [string, ...string[]],
  machine: Machine,
  count: number,
) {
  if (image === undefined)
    throw new LaunchError('refused', `The job ${name} has no image: Vertex AI starts nothing else.`)
  return {
    replicaCount: count,
    machineSpec: machineFor(machine),
    containerSpec: {
      imageUri: image,
      command: [command],
      args,
      env: Object.entries(environment).map(([name, value]) => ({ name, value: literal(value) })),
    },
  }
}

/** Vertex AI puts variables in for $(NAME), and one "$" for two, as Kubernetes does: what stands for itself is doubled. */
function literal(value: string): string {
  return value.replace(/\$(?=[$(])/g, '$$$$')
}
