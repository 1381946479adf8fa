import { BASE_IMAGE, type FlowManifest } from '@millrace/release'
import { describeIssues } from '@millrace/sdk'
import { z } from 'zod'
import { duration, type Flows, fail, flow, label, named, type RawConfig, size, thereAre } from '../config.ts'

/**
 * The config of a stack of containers: every setting, its type, its unit and its default, as infra/config.ts has them for
 * a stack in the cloud. Lengths of time come out in seconds, amounts of memory in bytes.
 */

/** The official image of Postgres 17.6, on Debian. A newer one of the same major version may take its place at any time. */
const POSTGRES = 'postgres@sha256:00bc86618629af00d2937fdc5a5d63db3ff8450acf52f0636ec813c7f4902929'

const path = z.string().regex(/^\/[^:,]*$/, 'must be an absolute path without ":" and ","')
const port = z.int().min(1).max(65_535)
const cpu = z.number().positive().optional()

const base = z
  .string()
  .regex(
    /^(?:[^\s@]+@sha256:[0-9a-f]{64}|millrace\/base:[0-9a-f]{16})$/,
    'must be an image by its digest, NAME@sha256:…, or millrace/base:… as images/base/make-base.sh names it',
  )

const database = z.strictObject({
  /** Another major version cannot read what this one wrote: dump, and restore. */
  image: z
    .string()
    .regex(/^[^\s@]+@sha256:[0-9a-f]{64}$/, 'must be an image by its digest: NAME@sha256:… with 64 digits 0-9 and a-f')
    .default(POSTGRES),
  cpu,
  memory: size.prefault('1 GiB'),
  /** Connections at once; each driver, worker and agent takes a few. */
  connections: z.int().min(25).max(5000).default(100),
  /** Where programs of this machine, and nobody else, reach it. @default nowhere */
  port: port.optional(),
})

/** An engine that is asked over the network: it must ask for certificates, for whoever may use it is root there. */
const engine = z.strictObject({
  host: z.string().regex(/^tcp:\/\/[\w.-]+:\d+$/, 'must be tcp://HOST:PORT'),
  /** Folder of the machine that the agent is on, with ca.pem, cert.pem and key.pem for it. */
  certificates: path,
})

const agent = z.strictObject({
  /** It takes runs whose labels are all among these. */
  labels: z.array(label).default([]),
  /** Runs at once. @default as many as there are processors, two at least */
  limit: z.int().min(1).optional(),
  cpu,
  memory: size.prefault('512 MiB'),
  /** Where the engine listens on its machine. Whoever may write there is root on it. */
  socket: path.default('/var/run/docker.sock'),
  /** The engine over TLS, in place of the socket. */
  engine: engine.optional(),
})

const workerCluster = z.strictObject({
  count: z.int().min(1).max(100).default(2),
  /** Tasks at once in each worker. */
  slots: z.int().min(1).max(64).default(1),
  cpu,
  memory: size.prefault('2 GiB'),
  labels: z.array(label).default([]),
  /** How long a worker that is to go may take to finish what it runs. */
  drain: duration.prefault('1 minute'),
})

const console_ = z.strictObject({
  /** Of this machine: nobody else reaches it. */
  port: port.default(8080),
  cpu,
  memory: size.prefault('256 MiB'),
})

const localConfig = z.strictObject({
  on: z.literal('docker'),
  /** Whether the volumes are protected. To destroy a stack: `false`, `pulumi up`, then `pulumi destroy`. */
  protect: z.boolean().default(true),
  /** Whether the schedules of flows are live. */
  schedules: z.boolean().default(false),
  /** What our images stand on. */
  base: base.default(BASE_IMAGE),
  /** Processor of the engine's machine. @default that of the machine that `up` runs on */
  processor: z.enum(['x64', 'arm64']).optional(),
  /**
   * Folder of the engine's machine for releases, bundles and results, which user 65532 can write to; it has this path in
   * containers, too. @default a volume of the engine's
   */
  folder: path.optional(),
  database: database.prefault({}),
  agent: agent.prefault({}),
  workerClusters: named(workerCluster).default({}),
  console: console_.prefault({}),
  flows: z.record(z.string(), flow.omit({ launcher: true })).default({}),
})

/** The checked config of a stack of containers. */
export type LocalConfig = z.output<typeof localConfig>
export type LocalDatabaseConfig = z.output<typeof database>
export type LocalAgentConfig = z.output<typeof agent>
export type LocalWorkersConfig = z.output<typeof workerCluster>
export type LocalConsoleConfig = z.output<typeof console_>
export type LocalFlowConfig = LocalConfig['flows'][string]

/**
 * Checks the config as a whole: each value, and that they fit together and to the flows.
 * @throws UserError naming the first key that is wrong, and the fix; its hint names the others
 */
export function parseLocalConfig(stack: string, raw: RawConfig, flows: Flows): LocalConfig {
  const result = localConfig.safeParse(raw)
  if (!result.success) {
    fail(
      stack,
      describeIssues(localConfig, raw, result.error.issues, (at) => `millrace:${at}`),
    )
  }
  const wrong = [
    ...portFaults(result.data),
    ...Object.entries(result.data.flows).flatMap(([key, each]) => flowFaults(stack, result.data, flows, key, each)),
  ]
  if (wrong.length > 0) fail(stack, wrong)
  return result.data
}

function portFaults({ database, console: { port } }: LocalConfig): string[] {
  return database.port === port ? [`millrace:database.port: ${port} is the console's; choose another`] : []
}

function flowFaults(
  stack: string,
  { agent, workerClusters }: LocalConfig,
  { names, manifests }: Flows,
  key: string,
  each: LocalFlowConfig,
): string[] {
  const at = `millrace:flows.${key}`
  const manifest = manifests.find(({ name }) => name === key)
  if (!manifest) return [`${at}: there is no flow "${key}"; ${thereAre(names, 'flows/')}`]
  const clusters = Object.keys(workerClusters)
  const lacking = (each.labels ?? manifest.labels).filter((wanted) => !agent.labels.includes(wanted))
  return [
    ...(each.cluster !== undefined && !clusters.includes(each.cluster)
      ? [
          `${at}.cluster: there is no worker cluster "${each.cluster}"; ${thereAre(clusters, 'millrace:workerClusters')}`,
        ]
      : []),
    ...(lacking.length > 0
      ? [`${at}.labels: the agent lacks ${lacking.join(', ')}; add what is missing to millrace:agent.labels`]
      : []),
    ...secretFaults(at, manifest),
    ...environmentFaults(at, manifest, stack),
  ]
}

/** Their values are read from Secret Manager, by whom Google Cloud knows. */
function secretFaults(at: string, { secrets }: FlowManifest): string[] {
  if (secrets.length === 0) return []
  const fix = 'leave the flow out, or deploy it to a stack in the cloud'
  return [`${at}: it reads secrets (${secrets.join(', ')}), which a stack of containers has no store for; ${fix}`]
}

function environmentFaults(at: string, { name, environments }: FlowManifest, stack: string): string[] {
  if (!environments || environments.includes(stack)) return []
  return [`${at}: flows/${name}/flow.ts has no config for ${stack}, only for ${environments.join(', ')}; add it there`]
}
