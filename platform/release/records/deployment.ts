import { withoutUndefined } from '@millrace/sdk'
import { z } from 'zod'
import { type FlowManifest, flowManifest } from '../manifest.ts'
import { secretName } from '../secret-name.ts'

const text = z.string().min(1)
const { name, owner, contact, description, runOn, workers, schedule, labels, queue, timeout } = flowManifest.shape

/** SHA-256 of a bundle. */
export const bundleDigest = z.string().regex(/^[0-9a-f]{64}$/, 'must be the digest of a bundle, 64 digits 0-9 and a-f')

/** An image that can be no other tomorrow. */
export const imageByDigest = z
  .string()
  .regex(/^[^\s@]+@sha256:[0-9a-f]{64}$/, 'must be an image by its digest: NAME@sha256:… with 64 digits 0-9 and a-f')

/** What a flow says of itself, and a stack above it: how it runs, apart from its code and where it stands. */
const word = {
  flow: name,
  description,
  owner,
  contact,
  /** Parameters of every run, beneath those of the schedule and of the run itself. */
  params: z.record(z.string(), z.json()),
  queue,
  labels,
  runOn,
  workers,
  timeout,
}

/** The part of a deployment that a branch may bring along: it is given no account, no secrets, no schedule. */
export const branchPart = z.strictObject({ ...word, bundle: bundleDigest, secrets: z.array(secretName) })

export type BranchPart = z.infer<typeof branchPart>

/** A flow as it is deployed in a stack: its bundle, and everything that decides how its runs run. */
export const deployment = z.strictObject({
  ...word,
  bundle: bundleDigest,
  /** What its driver starts from. None where runs are processes of this machine. */
  image: imageByDigest.optional(),
  /** Address of the service account that it is. */
  account: text.optional(),
  /** Where its runs write: a URL. */
  store: text.optional(),
  /** A worker cluster of the stack that its tasks run on. */
  cluster: text.optional(),
  /** There only where it is live. */
  schedule,
  /** The version of each secret that it reads: `projects/…/secrets/NAME/versions/3`. */
  secretVersions: z.record(secretName, text),
})

export type Deployment = z.infer<typeof deployment>

/** What a stack says of a flow in its config; each, where given, stands above the flow's own word. */
export interface StackWord {
  readonly launcher?: Deployment['runOn']['launcher'] | undefined
  readonly cpu?: number | undefined
  /** Bytes. */
  readonly memory?: number | undefined
  readonly gpu?: number | undefined
  readonly machineType?: string | undefined
  readonly spot?: boolean | undefined
  readonly workers?: Deployment['workers'] | undefined
  readonly cluster?: string | undefined
  readonly labels?: readonly string[] | undefined
  readonly queue?: string | undefined
  readonly schedule?: Deployment['schedule'] | 'off' | undefined
  readonly params?: Readonly<Record<string, unknown>> | undefined
}

/** What a deployment has of its stack alone. */
export interface StackPart {
  readonly bundle: string
  readonly image?: string | undefined
  readonly account?: string | undefined
  readonly store?: string | undefined
  readonly secretVersions: Readonly<Record<string, string>>
  /** Whether schedules are live. */
  readonly schedules: boolean
}

/** The deployment of a flow: its own word, above it the stack's, and what the stack gives it. */
export function deploymentOf(manifest: FlowManifest, stack: StackWord, given: StackPart): Deployment {
  const { schedules, ...part } = given
  const schedule = stack.schedule ?? manifest.schedule
  const { launcher, cpu, memory, gpu, machineType, spot } = stack
  const over = { launcher, cpu, memory, gpu, machineType, spot }
  return withoutUndefined({
    flow: manifest.name,
    description: manifest.description,
    owner: manifest.owner,
    contact: manifest.contact,
    params: (stack.params ?? {}) as Deployment['params'],
    queue: stack.queue ?? manifest.queue,
    labels: [...(stack.labels ?? manifest.labels)],
    runOn: withoutUndefined({ ...manifest.runOn, ...withoutUndefined(over) }),
    workers: stack.workers ?? manifest.workers,
    timeout: manifest.timeout,
    cluster: stack.cluster,
    ...part,
    secretVersions: { ...part.secretVersions },
    ...(schedules && schedule !== 'off' && { schedule }),
  })
}

/** The part of a deployment that a branch could have brought along. */
export function branchPartOf(deployment: Deployment): BranchPart {
  const { image: _i, account: _a, store: _s, cluster: _c, schedule: _sch, secretVersions, ...part } = deployment
  return { ...part, secrets: Object.keys(secretVersions).sort() }
}
