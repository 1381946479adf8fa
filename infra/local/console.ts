import type * as docker from '@pulumi/docker'
import * as pulumi from '@pulumi/pulumi'
import type { LocalConsoleConfig } from './config.ts'
import { asks, makeService } from './container.ts'
import { type LocalFoundation, localEnvironment, standsOn } from './foundation.ts'

const NAME = 'console'
const PORT = 8080

export interface LocalConsoleArgs {
  readonly foundation: LocalFoundation
  readonly config: LocalConsoleConfig
}

/** The web page and its API, for browsers of this machine: nothing asks who they are. */
export class LocalConsole extends pulumi.ComponentResource {
  readonly container: docker.Container
  readonly url: string

  constructor(name: string, { foundation, config }: LocalConsoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:LocalConsole', name, {}, opts)
    const { stack, network, images, data } = foundation
    this.url = `http://127.0.0.1:${config.port}`
    this.container = makeService(
      {
        stack,
        service: NAME,
        image: images.of(NAME),
        network,
        environment: localEnvironment(foundation, { MILLRACE_RELEASES: data.url('releases'), PORT: String(PORT) }),
        cpu: config.cpu,
        memory: config.memory,
        grace: 10,
        volumes: [data.mount({ readOnly: true })],
        healthcheck: asks(PORT),
        more: { ports: [{ internal: PORT, external: config.port, ip: '127.0.0.1' }] },
        dependsOn: standsOn(foundation),
      },
      this,
    )
    this.registerOutputs({ url: this.url })
  }
}
