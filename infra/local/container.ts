import * as docker from '@pulumi/docker'
import * as pulumi from '@pulumi/pulumi'
import { labelsOf } from '../place.ts'

/** Of a container that serves until it is told to go. */
export interface ServiceArgs {
  readonly stack: string
  /** In the stack: `agent`. Its container is `millrace-STACK-agent`. */
  readonly service: string
  /** Id of the image. */
  readonly image: pulumi.Input<string>
  /** Left out: it has no network at all. */
  readonly network?: docker.Network
  readonly environment: Readonly<Record<string, pulumi.Input<string>>>
  /** Processors. @default as many as it can get */
  readonly cpu?: number | undefined
  /** Bytes: what it takes of `/tmp` counts, too. */
  readonly memory: number
  /** How long (s) it may take to finish what it does when it is to go. */
  readonly grace: number
  /** Folders in memory that it can write to, besides `/tmp`. */
  readonly inMemory?: readonly string[]
  readonly volumes?: docker.types.input.ContainerVolume[]
  readonly healthcheck?: docker.types.input.ContainerHealthcheck
  /** What only this one has. */
  readonly more?: Partial<docker.ContainerArgs>
  readonly dependsOn?: readonly pulumi.Resource[]
}

const MIB = 2 ** 20

/**
 * A container as all of ours are: no rights, a disk that is read-only, bounds to its memory and its log, a new start when
 * it ends, and no port that the machine publishes. One that is to be another is stopped first: two cannot have one name.
 */
export function makeService(args: ServiceArgs, parent: pulumi.Resource): docker.Container {
  const { stack, service, image, environment, grace, inMemory = [], volumes, healthcheck, more, dependsOn } = args
  return new docker.Container(
    service,
    {
      name: containerName(stack, service),
      image,
      envs: variables(environment),
      labels: labelList(stack, service),
      restart: 'unless-stopped',
      readOnly: true,
      tmpfs: Object.fromEntries(['/tmp', ...inMemory].map((folder) => [folder, ''])),
      stopTimeout: grace,
      destroyGraceSeconds: grace,
      ...(args.network && { networkMode: args.network.name }),
      ...bounds(args),
      ...(volumes && { volumes }),
      ...(healthcheck && { healthcheck }),
      ...more,
    },
    { parent, deleteBeforeReplace: true, ...(dependsOn && { dependsOn: [...dependsOn] }) },
  )
}

/** A volume of the engine's for what a service keeps. */
export function makeVolume(stack: string, service: string, options: pulumi.CustomResourceOptions): docker.Volume {
  return new docker.Volume(service, { name: containerName(stack, service), labels: labelList(stack, service) }, options)
}

/** What no container of ours may go beyond. */
export function bounds({ cpu, memory }: Pick<ServiceArgs, 'cpu' | 'memory'>) {
  const size = Math.ceil(memory / MIB)
  return {
    init: true,
    capabilities: { drops: ['ALL'] },
    securityOpts: ['no-new-privileges'],
    // Memory and swap together: with less than that the rest would be swapped, and the limit would not hold.
    memory: size,
    memorySwap: size,
    ...(cpu !== undefined && { cpus: String(cpu) }),
    logDriver: 'json-file',
    logOpts: { 'max-size': '10m', 'max-file': '3' },
  } satisfies Partial<docker.ContainerArgs>
}

export const containerName = (stack: string, service: string): string => `millrace-${stack}-${service}`

/** Labels as Docker's provider takes them. */
export function labelList(stack: string, service: string): { label: string; value: string }[] {
  return Object.entries(labelsOf({ stack }, service)).map(([label, value]) => ({ label, value }))
}

/** `NAME=VALUE`; what is empty is left out, as in the cloud. */
export function variables(environment: ServiceArgs['environment']): pulumi.Input<string>[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    value === '' ? [] : [typeof value === 'string' ? `${name}=${value}` : pulumi.interpolate`${name}=${value}`],
  )
}

/** Asks a program of ours whether it is well, by the Node that is in its image. Times are written as the engine says them. */
export function asks(port: number): docker.types.input.ContainerHealthcheck {
  const script = `fetch('http://127.0.0.1:${port}/health').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))`
  return {
    tests: ['CMD', '/app/bin/node', '-e', script],
    interval: '30s',
    timeout: '10s',
    startPeriod: '20s',
    retries: 3,
  }
}
