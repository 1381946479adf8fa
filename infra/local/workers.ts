import type * as docker from '@pulumi/docker'
import * as pulumi from '@pulumi/pulumi'
import type { LocalWorkersConfig } from './config.ts'
import { makeService } from './container.ts'
import { type LocalFoundation, localEnvironment, standsOn } from './foundation.ts'

export interface LocalWorkersArgs {
  readonly foundation: LocalFoundation
  /** Of the worker cluster in the config. */
  readonly workers: string
  readonly config: LocalWorkersConfig
}

/** A standing cluster of workers, always as many as the config says: a machine does not get larger by more of them. */
export class LocalWorkers extends pulumi.ComponentResource {
  readonly containers: readonly docker.Container[]

  constructor(name: string, args: LocalWorkersArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:LocalWorkers', name, {}, opts)
    const { foundation, workers, config } = args
    const { stack, network, images, data } = foundation
    const parent = this
    this.containers = Array.from({ length: config.count }, (_, index) => makeWorker(index + 1))
    this.registerOutputs()

    function makeWorker(number: number) {
      return makeService(
        {
          stack,
          service: `workers-${workers}-${number}`,
          image: images.of('worker'),
          network,
          environment: localEnvironment(foundation, {
            MILLRACE_CLUSTER: workers,
            MILLRACE_BUNDLES: data.url('bundles'),
            MILLRACE_SLOTS: String(config.slots),
            MILLRACE_LABELS: config.labels.join(','),
            MILLRACE_DRAIN_SECONDS: String(config.drain),
          }),
          cpu: config.cpu,
          memory: config.memory,
          // Some time more, to give back what it did not finish.
          grace: config.drain + 15,
          volumes: [data.mount()],
          dependsOn: standsOn(foundation),
        },
        parent,
      )
    }
  }
}
