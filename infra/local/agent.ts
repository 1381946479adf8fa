import type * as docker from '@pulumi/docker'
import * as pulumi from '@pulumi/pulumi'
import type { LocalAgentConfig } from './config.ts'
import { asks, makeService, type ServiceArgs } from './container.ts'
import { type LocalFoundation, localEnvironment, standsOn } from './foundation.ts'

const NAME = 'agent'
const PORT = 8081
const SOCKET = '/var/run/docker.sock'
const CERTIFICATES = '/certificates'

export interface LocalAgentArgs {
  readonly foundation: LocalFoundation
  readonly config: LocalAgentConfig
}

/**
 * The agent: it claims flow runs and starts their containers in the engine that it runs in itself, or in one that it
 * reaches over TLS. It is the one container that may use an engine, and so is as powerful as root there.
 */
export class LocalAgent extends pulumi.ComponentResource {
  readonly container: docker.Container

  constructor(name: string, { foundation, config }: LocalAgentArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:LocalAgent', name, {}, opts)
    const { stack, network, images, data } = foundation
    const engine = config.engine ? overNetwork(config.engine) : bySocket(config.socket)
    this.container = makeService(
      {
        stack,
        service: NAME,
        image: images.of('agent'),
        network,
        environment: localEnvironment(foundation, {
          MILLRACE_AGENT: NAME,
          MILLRACE_LAUNCHER: 'docker',
          MILLRACE_LABELS: config.labels.join(','),
          MILLRACE_LIMIT: String(config.limit ?? ''),
          MILLRACE_RELEASES: data.url('releases'),
          MILLRACE_NETWORK: network.name,
          // What its jobs have, too.
          MILLRACE_BINDS: data.bind,
          MILLRACE_PORT: String(PORT),
          ...engine.environment,
        }),
        cpu: config.cpu,
        memory: config.memory,
        // Its jobs go on without it: it only finishes what it is launching.
        grace: 60,
        volumes: [data.mount({ readOnly: true }), engine.volume],
        healthcheck: asks(PORT),
        more: engine.more,
        dependsOn: standsOn(foundation),
      },
      this,
    )
    this.registerOutputs()
  }
}

interface EngineAccess {
  readonly volume: docker.types.input.ContainerVolume
  readonly environment: ServiceArgs['environment']
  readonly more: Pick<docker.ContainerArgs, 'user'>
}

/** The socket is root's, and a group's whose number is another on each machine: so it is root, without its rights. */
function bySocket(socket: string): EngineAccess {
  return { volume: { hostPath: socket, containerPath: SOCKET }, environment: {}, more: { user: '0:0' } }
}

function overNetwork({ host, certificates }: NonNullable<LocalAgentConfig['engine']>): EngineAccess {
  return {
    volume: { hostPath: certificates, containerPath: CERTIFICATES, readOnly: true },
    environment: { DOCKER_HOST: host, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: CERTIFICATES },
    more: {},
  }
}
