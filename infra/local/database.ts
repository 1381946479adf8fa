import * as docker from '@pulumi/docker'
import * as pulumi from '@pulumi/pulumi'
import * as random from '@pulumi/random'
import type { LocalDatabaseConfig } from './config.ts'
import { containerName, makeService, makeVolume } from './container.ts'

const NAME = 'database'
const USER = 'millrace'
const DATA = '/var/lib/postgresql/data'
const PORT = 5432

export interface LocalDatabaseArgs {
  readonly stack: string
  readonly network: docker.Network
  readonly protect: boolean
  readonly config: LocalDatabaseConfig
}

/**
 * Postgres, with runs, queues and journals, in a volume of its own. Only containers of the stack's network reach it, by a
 * password that `up` made up; programs of the machine do if the config says a port.
 */
export class LocalDatabase extends pulumi.ComponentResource {
  /** As containers reach it; it has the password. */
  readonly url: pulumi.Output<string>
  readonly container: docker.Container

  constructor(name: string, args: LocalDatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:LocalDatabase', name, {}, opts)
    const { stack, network, protect, config } = args
    const parent = this
    const image = new docker.RemoteImage('postgres', { name: config.image, keepLocally: true }, { parent })
    const volume = makeVolume(stack, NAME, { parent, protect })
    const { result: password } = makePassword()
    this.url = urlAt(containerName(stack, NAME), PORT)
    this.container = makeContainer()
    this.registerOutputs()

    function makePassword() {
      // Letters and digits alone: it stands in a URL as it is. Postgres takes it once, when the volume is new.
      return new random.RandomPassword('database-password', { length: 32, special: false }, { parent, protect })
    }

    function urlAt(host: string, port: number): pulumi.Output<string> {
      return pulumi.interpolate`postgres://${USER}:${password}@${host}:${port}/${USER}`
    }

    function makeContainer() {
      const { port } = config
      return makeService(
        {
          stack,
          service: NAME,
          image: image.imageId,
          network,
          environment: {
            POSTGRES_USER: USER,
            POSTGRES_DB: USER,
            POSTGRES_PASSWORD: password,
            POSTGRES_INITDB_ARGS: '--locale=C.UTF-8 --data-checksums',
            PGDATA: DATA,
            // For a person on this machine to ask for: docs/local-stack.md.
            ...(port !== undefined && { MILLRACE_DATABASE: urlAt('127.0.0.1', port) }),
          },
          cpu: config.cpu,
          memory: config.memory,
          // Long enough for a checkpoint: without it the next start takes as long.
          grace: 60,
          inMemory: ['/var/run/postgresql'],
          volumes: [{ volumeName: volume.name, containerPath: DATA }],
          healthcheck: {
            tests: ['CMD', 'pg_isready', '--username', USER, '--host', '127.0.0.1'],
            interval: '5s',
            timeout: '5s',
            startPeriod: '30s',
            retries: 6,
          },
          more: {
            // Not as root, which the image's program would otherwise be at first.
            user: 'postgres',
            command: ['postgres', '-c', `max_connections=${config.connections}`],
            // Postgres stops in good order, and does not wait for connections to end.
            stopSignal: 'SIGINT',
            shmSize: 256,
            // What needs it is made when it answers.
            wait: true,
            waitTimeout: 120,
            ...(port !== undefined && { ports: [{ internal: PORT, external: port, ip: '127.0.0.1' }] }),
          },
        },
        parent,
      )
    }
  }
}
