import type Docker from 'dockerode'
import { IN_IMAGE, JOB_LABEL, type JobSpec, jobLabels, LaunchError, readJobLabels } from '../../launcher.ts'

/** What containers have besides what their job asks for. */
export interface ContainerOptions {
  /** Name of the network that all containers join; `host` is the machine's own. @default the engine's */
  readonly network?: string
  /** Further names of machines, `NAME:ADDRESS`. On Linux `host.docker.internal:host-gateway` names the machine itself. */
  readonly extraHosts?: readonly string[]
  /** Folders of the engine's machine in every container: `/data:/data:ro`. */
  readonly binds?: readonly string[]
  /** What a container may take whose job does not say: processors, bytes; and how many processes and threads. */
  readonly limits?: { readonly cpu?: number; readonly memory?: number; readonly pids?: number }
  /** From SIGTERM to SIGKILL (ms). @default 30000 */
  readonly grace?: number
}

/** A container as the engine is asked for it. */
export interface ContainerSettings {
  readonly name: string
  readonly image: string
  readonly body: Docker.ContainerCreateOptions
}

export type Role = keyof typeof IN_IMAGE

const LABEL = { ...JOB_LABEL, name: 'millrace-name', role: 'millrace-role' } as const

const GRACE_MS = 30_000
/** A fork bomb must not take the machine. Node and its libraries have some 20 threads. */
const PIDS = 4096
/** By JSON file any engine can show it again, and log collectors read it. */
const LOG = { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } }

/**
 * Pure: the containers of a job, its driver first.
 * @throws LaunchError when the job has no image
 */
export function containersOf(
  spec: JobSpec,
  options: ContainerOptions,
): readonly [ContainerSettings, ...ContainerSettings[]] {
  const { name, image, driver, workers } = spec
  if (image === undefined) {
    throw new LaunchError(
      'refused',
      `docker: job ${name} has no image, and containers need one; give its deployment one`,
    )
  }
  const container = (role: Role, called: string, machine: JobSpec['driver']): ContainerSettings => ({
    name: called,
    image,
    body: {
      Image: image,
      Entrypoint: [...IN_IMAGE[role]],
      Cmd: [],
      Env: Object.entries(spec.environment).map(([key, value]) => `${key}=${value}`),
      Labels: { ...jobLabels(spec), [LABEL.name]: name, [LABEL.role]: role },
      StopSignal: 'SIGTERM',
      StopTimeout: Math.ceil((options.grace ?? GRACE_MS) / 1000),
      HostConfig: hostConfig(machine, options),
    },
  })
  return [
    container('driver', name, driver),
    ...Array.from({ length: workers.count }, (_, index) => container('worker', `${name}-worker-${index + 1}`, workers)),
  ]
}

function hostConfig(
  { cpu, memory, gpu }: JobSpec['driver'],
  { network, extraHosts, binds, limits = {} }: ContainerOptions,
): Docker.HostConfig {
  const processors = cpu ?? limits.cpu
  const bytes = memory ?? limits.memory
  return {
    AutoRemove: false,
    RestartPolicy: { Name: 'no' },
    // Passes signals on, and buries processes whose parents died.
    Init: true,
    ReadonlyRootfs: true,
    Tmpfs: { '/tmp': '' },
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    LogConfig: LOG,
    PidsLimit: limits.pids ?? PIDS,
    ...(processors !== undefined && { NanoCpus: Math.round(processors * 1e9) }),
    // Memory and swap together: with less than that the rest would be swapped, and the limit would not hold.
    ...(bytes !== undefined && { Memory: Math.floor(bytes), MemorySwap: Math.floor(bytes) }),
    ...(gpu !== undefined && gpu > 0 && { DeviceRequests: [{ Driver: '', Count: gpu, Capabilities: [['gpu']] }] }),
    ...(network !== undefined && { NetworkMode: network }),
    ...(extraHosts && { ExtraHosts: [...extraHosts] }),
    ...(binds && { Binds: [...binds] }),
  }
}

/** By which the engine finds the containers of a stack, or those of one of its jobs. */
export function labelsOf(stack: string, job?: string): string[] {
  const named = job === undefined ? [] : [`${LABEL.name}=${job}`]
  return [`${LABEL.millrace}=job`, `${LABEL.stack}=${stack}`, ...named]
}

/** What a container's labels say of it; undefined where it is none of ours. */
export function readLabels(labels: Readonly<Record<string, string>>) {
  const job = readJobLabels(labels)
  const name = labels[LABEL.name]
  const role = labels[LABEL.role]
  if (!job || !name || (role !== 'driver' && role !== 'worker')) return undefined
  return { ...job, name, role: role satisfies Role as Role }
}
