import type * as gcp from '@pulumi/gcp'
import * as pulumi from '@pulumi/pulumi'
import type { WorkerClusterConfig } from '../config.ts'
import { cloudRunWorkers } from './cloud-run-workers.ts'
import type { Cluster } from './cluster.ts'
import type { Foundation } from './foundation.ts'
import { type Identity, makeIdentity } from './identity.ts'
import { kubernetesWorkers } from './kubernetes-workers.ts'
import { type EnvironmentVariable, processEnvironment } from './process-environment.ts'

export interface WorkerClusterArgs {
  readonly foundation: Foundation
  /** Of the worker cluster in the config. */
  readonly workers: string
  readonly config: WorkerClusterConfig
  /** Where it is, and who says how long its queue is. */
  readonly host: WorkerHost
}

/** Where workers run. */
export type WorkerHost =
  | {
      readonly on: 'kubernetes'
      readonly cluster: Cluster
      /** Where KEDA asks for the number of tasks: `…/NAME`. */
      readonly queues: pulumi.Output<string>
    }
  | {
      readonly on: 'cloud-run'
      /** The agent that sets how many there are. */
      readonly scaler: Identity
    }

/** What everything of a worker cluster is called. */
export function workersName(workers: string): string {
  return `workers-${workers}`
}

/** A set of workers, ready to be run. */
export interface WorkerSet extends WorkerClusterArgs {
  /** Of everything it is made of. */
  readonly name: string
  readonly image: pulumi.Output<string>
  readonly identity: Identity
  readonly environment: readonly EnvironmentVariable[]
}

/**
 * A standing cluster of workers that runs the tasks of flows: as many as the queue is long, none when there is nothing to
 * do. A worker that is to go finishes what it runs; one that is taken away loses nothing, others do it again.
 */
export class WorkerCluster extends pulumi.ComponentResource {
  readonly identity: Identity

  constructor(name: string, args: WorkerClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:WorkerCluster', name, {}, opts)
    const { foundation, workers, config, host } = args
    const { buckets, images } = foundation
    this.identity = makeWorkerIdentity(this)
    const set: WorkerSet = {
      ...args,
      name: workersName(workers),
      image: images.of('worker'),
      identity: this.identity,
      environment: processEnvironment(foundation, {
        secrets: config.secrets,
        more: {
          MILLRACE_CLUSTER: workers,
          MILLRACE_BUNDLES: buckets.bundles.url,
          MILLRACE_SLOTS: String(config.slots),
          MILLRACE_LABELS: config.labels.join(','),
          MILLRACE_DRAIN_SECONDS: String(config.drain),
        },
      }),
    }
    if (host.on === 'kubernetes') kubernetesWorkers(set, host, this)
    else cloudRunWorkers(set, host, this)
    this.registerOutputs()

    function makeWorkerIdentity(parent: pulumi.Resource): Identity {
      const identity = makeIdentity(
        foundation,
        { kind: 'workers', name: workers, description: 'Runs tasks of flows', secrets: config.secrets },
        parent,
      )
      const { member } = identity
      const grant = (what: string, bucket: gcp.storage.Bucket, role: 'objectViewer' | 'objectUser') =>
        buckets.grant(`workers-${workers}-${what}`, { bucket, role, member }, parent)
      const grants = [
        grant('reads-bundles', buckets.bundles, 'objectViewer'),
        grant('writes-results', buckets.results, 'objectUser'),
      ]
      return { ...identity, grants: [...identity.grants, ...grants] }
    }
  }
}
