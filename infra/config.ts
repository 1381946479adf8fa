import { cron, type FlowManifest, secretsConfig, secretValueFaults, secretValues, timezone } from '@millrace/release'
import { bytes, describeIssues, milliseconds, UserError } from '@millrace/sdk'
import { z } from 'zod'

/**
 * The stack config: every setting of a stack, its type, its unit and its default. What a person writes are the keys
 * `millrace:…` of `Pulumi.STACK.yaml`; what comes out is checked, complete, and all the program knows of the stack
 * besides the flows' manifests. Lengths of time come out in seconds, amounts of memory and disk in bytes.
 */

const NAME = /^[a-z][a-z0-9-]{0,29}$/
const name = z.string().regex(NAME, 'must be lower-case letters, digits and "-", 30 at most, a letter first')
export const named = <T extends z.ZodType>(value: T) => z.record(name, value)
export const label = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_.-]{0,62}$/, 'must be lower-case letters, digits, "-", "_" and "."')

/** A unit's own reader decides what is one; its message is the issue's. */
function quantity(read: (text: string) => number, example: string) {
  return z.string().transform((text, context) => {
    try {
      return read(text)
    } catch {
      context.addIssue({ code: 'custom', message: `must be ${example}`, input: text })
      return z.NEVER
    }
  })
}
export const duration = quantity(
  (text) => milliseconds(text) / 1000,
  'a length of time such as "10 minutes" or "30 days"',
)
export const size = quantity((text) => bytes(text), 'an amount such as "4 GiB"')
const days = duration.refine((seconds) => seconds % 86_400 === 0 && seconds > 0, 'must be whole days: "30 days"')
const cidr = z.string().regex(/^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/, 'must be a range of addresses such as "10.8.0.0/20"')
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be a digest: "sha256:" and 64 hexadecimal digits')
const count = z.int().min(0)

const project = z.strictObject({
  /** The project's number, which `gcloud projects describe PROJECT` prints. */
  number: z.string().regex(/^\d{6,20}$/, 'must be the number of the project, as text: "123456789012"'),
})

const github = z.strictObject({
  repository: z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'must be OWNER/NAME'),
  /** `gh api repos/OWNER/NAME --jq .id`. A name can be taken over by somebody else, a number cannot. */
  repositoryId: z.string().regex(/^\d+$/, 'must be the number of the repository, as text: "123456789"'),
  /** `gh api repos/OWNER/NAME --jq .owner.id`. */
  ownerId: z.string().regex(/^\d+$/, 'must be the number of the owner, as text: "123456789"'),
  /** The GitHub environment whose jobs may apply this stack. */
  environment: name,
  branch: z
    .string()
    .regex(/^[\w./-]+$/, 'must be the name of a branch')
    .default('main'),
  /** Release tags begin with this. */
  tagPrefix: z
    .string()
    .regex(/^[\w.-]+$/, 'must be the beginning of a tag')
    .default('v'),
})

const network = z.strictObject({
  /** Cloud Run, and the nodes of a cluster. */
  addresses: cidr.default('10.8.0.0/20'),
  pods: cidr.default('10.64.0.0/14'),
  services: cidr.default('10.68.0.0/20'),
  /** Share of the flows of the subnetwork that is logged. */
  flowLogs: z.number().min(0).max(1).default(0.1),
})

const database = z.strictObject({
  version: z.enum(['POSTGRES_16', 'POSTGRES_17', 'POSTGRES_18']).default('POSTGRES_17'),
  tier: z
    .string()
    .regex(/^db-(f1-micro|g1-small|custom-\d+-\d+)$/, 'must be db-f1-micro, db-g1-small or db-custom-CPUS-MEGABYTES')
    .default('db-custom-1-3840'),
  /** A standby in another zone. */
  highAvailability: z.boolean().default(false),
  disk: size.prefault('10 GiB'),
  /** The disk grows by itself up to this. */
  maxDisk: size.prefault('100 GiB'),
  /** Daily backups that are kept. */
  backups: z.int().min(1).max(365).default(7),
  /** Any moment of so many days can be gone back to. */
  pointInTime: days.refine((seconds) => seconds <= 7 * 86_400, 'must be 7 days at most').prefault('7 days'),
  /** Day (1 is Monday) and hour (UTC) when it may be restarted for maintenance. */
  maintenance: z
    .strictObject({ day: z.int().min(1).max(7).default(7), hour: z.int().min(0).max(23).default(3) })
    .prefault({}),
  /** Connections at once; each driver, worker and agent takes a few. */
  connections: z.int().min(25).max(5000).default(100),
})

const registry = z.strictObject({
  /** Newest versions of each image that are never cleaned up. */
  keep: z.int().min(1).default(20),
  /** Older images go, but for those and what a release is made of. */
  deleteAfter: days.prefault('30 days'),
  /** Looks for known vulnerabilities in what is pushed; Google charges for each image. */
  scanning: z.boolean().default(true),
})

const buckets = z.strictObject({
  /** @default the stack's region */
  location: z.string().optional(),
  /** Results and scratch data of runs go after this. */
  resultsFor: days.prefault('90 days'),
  /** What was overwritten or deleted can be brought back for this long. */
  deletedFor: days.prefault('30 days'),
})

const gpu = z.strictObject({
  type: z.string().regex(/^nvidia-/, 'must be a type such as "nvidia-tesla-t4"'),
  count: z.int().min(1).default(1),
})

const nodePool = z.strictObject({
  machine: z.string().regex(/^[a-z0-9]+-[a-z0-9-]+$/, 'must be a machine type such as "e2-standard-4"'),
  min: count.default(0),
  max: z.int().min(1).max(1000).default(100),
  /** Machines that Google may take back: a third of the price. */
  spot: z.boolean().default(true),
  disk: size.prefault('50 GiB'),
  gpu: gpu.optional(),
})

const cluster = z.strictObject({
  channel: z.enum(['RAPID', 'REGULAR', 'STABLE']).default('REGULAR'),
  /** Machines for what must always run: agents, KEDA, the cluster's own parts. */
  system: z
    .strictObject({
      machine: z.string().default('e2-standard-2'),
      min: z.int().min(1).default(1),
      max: z.int().min(1).default(3),
    })
    .prefault({}),
  /** Machines for drivers and workers, by the name that `nodePool` of a worker cluster asks for. */
  nodePools: named(nodePool).default({}),
  /** Hour (UTC) of each day from which on upgrades may start. */
  maintenanceHour: z.int().min(0).max(23).default(2),
  /** Images of KEDA by digest; where they come from, and which version they are. */
  keda: z.strictObject({
    version: z.string().regex(/^\d+\.\d+\.\d+$/, 'must be a version such as "2.18.1"'),
    registry: z.string().default('ghcr.io/kedacore'),
    operator: digest,
    metricsServer: digest,
  }),
})

/**
 * Digests of images in the stack's registry that are to stay as they are, whatever the checkout would make: to hold a
 * program back that turned out bad, while flows go on being deployed. Nothing else can stand on one of these.
 */
const images = z.strictObject({ agent: digest.optional(), worker: digest.optional(), console: digest.optional() })

const resources = {
  cpu: z.number().positive().default(1),
  memory: size.prefault('512 MiB'),
}

const agent = z.strictObject({
  /** How it starts runs, and so where they run. */
  launcher: z.enum(['cloud-run', 'kubernetes', 'vertex']),
  /** It takes runs whose labels are all among these. */
  labels: z.array(label).default([]),
  /** Secrets that the agent itself needs, for instance to sign callbacks. */
  secrets: z.array(z.string()).default([]),
  /** The server that mail about runs that are over is sent through. Its password is one of the secrets. */
  smtp: z.string().optional(),
  /** Agents at once: two, so that one can be missed. */
  replicas: z.int().min(0).max(10).default(1),
  ...resources,
})

const workerCluster = z.strictObject({
  on: z.enum(['kubernetes', 'cloud-run']),
  min: count.default(0),
  max: z.int().min(1).max(1000).default(10),
  /** Tasks that wait or run for each worker, before there is one more. */
  tasksPerWorker: z.int().min(1).default(20),
  /** Tasks at once in each worker. */
  slots: z.int().min(1).max(64).default(1),
  cpu: z.number().positive().default(1),
  memory: size.prefault('2 GiB'),
  /** Kubernetes only. */
  spot: z.boolean().default(true),
  /** Kubernetes only: a name of `cluster.nodePools`. @default any pool that fits */
  nodePool: z.string().optional(),
  labels: z.array(label).default([]),
  secrets: z.array(z.string()).default([]),
  /** How long a worker that is to go may take to finish what it runs. */
  drain: duration.prefault('10 minutes'),
  /** Time with nothing to do before the last worker goes. */
  cooldown: duration.prefault('5 minutes'),
})

export const flow = z.strictObject({
  /** A worker cluster of this stack that its tasks run on. @default the run's own workers, or threads of the driver */
  cluster: z.string().optional(),
  launcher: z.enum(['cloud-run', 'kubernetes', 'vertex']).optional(),
  cpu: z.number().positive().optional(),
  memory: size.optional(),
  gpu: count.optional(),
  machineType: z.string().optional(),
  spot: z.boolean().optional(),
  workers: z
    .strictObject({
      count,
      cpu: z.number().positive().optional(),
      memory: size.optional(),
      gpu: count.optional(),
      spot: z.boolean().optional(),
    })
    .optional(),
  labels: z.array(label).optional(),
  queue: name.optional(),
  /** In place of the flow's own. `off` also in stacks with live schedules. */
  schedule: z
    .union([
      z.literal('off'),
      z.strictObject({
        cron,
        timezone: timezone.default('UTC'),
        params: z.record(z.string(), z.json()).default({}),
      }),
    ])
    .optional(),
  /** Parameters of every run, beneath those of the schedule and of the run itself. */
  params: z.record(z.string(), z.json()).default({}),
})

const console_ = z.strictObject({
  /** Who may open it, as IAM writes them: `group:data@example.org`. */
  access: z
    .array(z.string().regex(/^(user|group|domain):\S+$/, 'must be user:ADDRESS, group:ADDRESS or domain:NAME'))
    .min(1),
  /** Instances that wait for a request; with none the first one takes a second or two. */
  minInstances: count.default(0),
  maxInstances: z.int().min(1).default(3),
  ...resources,
})

const monitoring = z.strictObject({
  /** Addresses that alerts go to. */
  email: z.array(z.email()).default([]),
  /** Tasks wait for so long before somebody is told. */
  backlogFor: duration.prefault('30 minutes'),
})

const budget = z.strictObject({
  billingAccount: z.string().regex(/^[0-9A-F]{6}(-[0-9A-F]{6}){2}$/, 'must be an id such as "012345-6789AB-CDEF01"'),
  /** A month. */
  amount: z
    .string()
    .regex(/^\d+ [A-Z]{3}$/, 'must be an amount of money such as "500 EUR"')
    .transform((text) => {
      const [units = '', currency = ''] = text.split(' ')
      return { units, currency }
    }),
  /** Shares of the amount at which somebody is told. */
  alertAt: z.array(z.number().positive().max(2)).min(1).default([0.5, 0.9, 1]),
})

const stackConfig = z.strictObject({
  project,
  /** Whether what holds data is protected. To destroy a stack: `false`, `pulumi up`, then `pulumi destroy`. */
  protect: z.boolean().default(true),
  /** Whether the schedules of flows are live. */
  schedules: z.boolean().default(false),
  github: github.optional(),
  network: network.prefault({}),
  database: database.prefault({}),
  registry: registry.prefault({}),
  buckets: buckets.prefault({}),
  cluster: cluster.optional(),
  images: images.default({}),
  agents: named(agent).default({}),
  workerClusters: named(workerCluster).default({}),
  secrets: secretsConfig.default({}),
  secretValues: secretValues.default({}),
  flows: z.record(z.string(), flow).default({}),
  console: console_.optional(),
  monitoring: monitoring.prefault({}),
  budget: budget.optional(),
})

/** The checked config of a stack. */
export type StackConfig = z.output<typeof stackConfig>
export type GithubConfig = z.output<typeof github>
export type NetworkConfig = z.output<typeof network>
export type DatabaseConfig = z.output<typeof database>
export type RegistryConfig = z.output<typeof registry>
export type ImagesConfig = z.output<typeof images>
export type BucketsConfig = z.output<typeof buckets>
export type ClusterConfig = z.output<typeof cluster>
export type NodePoolConfig = z.output<typeof nodePool>
export type AgentConfig = z.output<typeof agent>
export type WorkerClusterConfig = z.output<typeof workerCluster>
export type FlowConfig = z.output<typeof flow>
export type ConsoleConfig = z.output<typeof console_>
export type MonitoringConfig = z.output<typeof monitoring>
export type BudgetConfig = z.output<typeof budget>

/** What a person wrote, by key without `millrace:`. */
export type RawConfig = Readonly<Record<string, unknown>>

/** The flows that a stack can deploy. */
export interface Flows {
  /** Names of all that the project has. */
  readonly names: readonly string[]
  /** Of those that the stack deploys. */
  readonly manifests: readonly FlowManifest[]
}

/**
 * Checks a stack's config as a whole: each value, and that they fit together and to the flows.
 * @param stack for messages
 * @throws UserError naming the first key that is wrong, and the fix; its hint names the others
 */
export function parseConfig(stack: string, raw: RawConfig, flows: Flows): StackConfig {
  const result = stackConfig.safeParse(raw)
  if (!result.success) {
    fail(
      stack,
      describeIssues(stackConfig, raw, result.error.issues, (path) => `millrace:${path}`),
    )
  }
  const config = result.data
  const wrong = contradictions(stack, config, flows)
  if (wrong.length > 0) fail(stack, wrong)
  return config
}

/** @throws UserError saying the first line; its hint says the others */
export function fail(stack: string, lines: readonly string[]): never {
  const [first = 'wrong config', ...rest] = lines
  throw new UserError(`Pulumi.${stack}.yaml: ${first}`, rest.join('\n') || undefined)
}

/** A password is a reference to a secret. What stands there instead may be one, so it is in no message. */
const MAIL_SERVER = /^smtps?:\/\/(?:[^\s:@/]+:secret:\/\/([\w-]+)@)?[\w.-]+(?::\d+)?(?:\?from=\S+)?$/

function mailFaults(at: string, { smtp, secrets }: AgentConfig): string[] {
  if (smtp === undefined) return []
  const [found, secret] = MAIL_SERVER.exec(smtp) ?? []
  if (found === undefined) {
    return [
      `${at}.smtp: must be the address of a mail server, its password a secret: smtps://mailer:secret://smtp-password@mail.example.org?from=millrace@example.org`,
    ]
  }
  if (secret === undefined || secrets.includes(secret)) return []
  return [`${at}.smtp: refers to secret://${secret}; add "${secret}" to its secrets`]
}

/** What each value allows by itself, but not beside the others; a line each. */
function contradictions(stack: string, config: StackConfig, flows: Flows): string[] {
  return [
    ...Object.entries(config.agents).flatMap(([key, each]) => [
      ...(each.launcher === 'kubernetes' && !config.cluster
        ? [
            `millrace:agents.${key}.launcher: kubernetes needs a cluster; add millrace:cluster, or choose cloud-run or vertex`,
          ]
        : []),
      ...unknownSecrets(config, `millrace:agents.${key}.secrets`, each.secrets),
      ...mailFaults(`millrace:agents.${key}`, each),
    ]),
    ...Object.entries(config.workerClusters).flatMap(([key, each]) => workerClusterFaults(config, key, each)),
    ...secretValueFaults(config.secrets, config.secretValues, stack),
    ...Object.entries(config.flows).flatMap(([key, each]) => flowFaults(config, flows, key, each)),
    ...(config.database.maxDisk < config.database.disk
      ? ['millrace:database.maxDisk: must not be less than millrace:database.disk']
      : []),
    ...Object.entries(config.cluster?.nodePools ?? {}).flatMap(([key, { min, max }]) =>
      min > max ? [`millrace:cluster.nodePools.${key}.min: must not be more than max, ${max}`] : [],
    ),
  ]
}

function workerClusterFaults(config: StackConfig, key: string, each: WorkerClusterConfig): string[] {
  const at = `millrace:workerClusters.${key}`
  const pools = Object.keys(config.cluster?.nodePools ?? {})
  return [
    ...(each.on === 'kubernetes' && !config.cluster
      ? [`${at}.on: kubernetes needs a cluster; add millrace:cluster, or choose cloud-run`]
      : []),
    // Somebody beside the workers has to know how long the queue is when there are none.
    ...(Object.values(config.agents).some(({ launcher }) => launcher === each.on)
      ? []
      : [`${at}.on: its size is kept by an agent with the launcher ${each.on}; add one to millrace:agents`]),
    ...(each.min > each.max ? [`${at}.min: must not be more than max, ${each.max}`] : []),
    ...(each.nodePool !== undefined && !pools.includes(each.nodePool)
      ? [`${at}.nodePool: there is no node pool "${each.nodePool}"; ${thereAre(pools, 'millrace:cluster.nodePools')}`]
      : []),
    ...unknownSecrets(config, `${at}.secrets`, each.secrets),
  ]
}

function unknownSecrets(config: StackConfig, at: string, names: readonly string[]): string[] {
  return names
    .filter((each) => !Object.hasOwn(config.secrets, each))
    .map((each) => `${at}: there is no secret "${each}"; ${thereAre(Object.keys(config.secrets), 'millrace:secrets')}`)
}

function flowFaults(config: StackConfig, { names, manifests }: Flows, key: string, each: FlowConfig): string[] {
  const at = `millrace:flows.${key}`
  const manifest = manifests.find((one) => one.name === key)
  if (!manifest) return [`${at}: there is no flow "${key}"; ${thereAre(names, 'flows/')}`]
  const clusters = Object.keys(config.workerClusters)
  const launcher = each.launcher ?? manifest.runOn.launcher
  const labels = each.labels ?? manifest.labels
  const able = Object.values(config.agents).filter((one) => launcher === undefined || one.launcher === launcher)
  const launchers = [...new Set(Object.values(config.agents).map((one) => one.launcher))]
  return [
    ...unknownSecrets(config, `${at} (secrets of flows/${key}/flow.ts)`, manifest.secrets),
    ...(each.cluster !== undefined && !clusters.includes(each.cluster)
      ? [
          `${at}.cluster: there is no worker cluster "${each.cluster}"; ${thereAre(clusters, 'millrace:workerClusters')}`,
        ]
      : []),
    ...(able.length === 0
      ? [`${at}.launcher: no agent launches by ${launcher ?? 'anything'}; ${thereAre(launchers, 'millrace:agents')}`]
      : []),
    ...(able.length > 0 && !able.some((one) => labels.every((wanted) => one.labels.includes(wanted)))
      ? [
          `${at}.labels: no agent for ${launcher ?? 'it'} has all of ${labels.join(', ')}; add them to one of millrace:agents`,
        ]
      : []),
  ]
}

export function thereAre(names: readonly string[], where: string): string {
  return names.length > 0 ? `${where} has ${names.join(', ')}` : `${where} has none`
}
