import * as gcp from '@pulumi/gcp'
import type * as pulumi from '@pulumi/pulumi'
import { labelsOf } from '../place.ts'
import type { Foundation } from './foundation.ts'
import type { Identity } from './identity.ts'
import type { EnvironmentVariable } from './process-environment.ts'
import { cpuQuantity, memoryQuantity } from './quantities.ts'

export interface RunPoolArgs {
  /** Of the pool, 49 characters at most. */
  readonly name: string
  /** One of our images, and the digest of the one to run. */
  readonly image: pulumi.Input<string>
  readonly identity: Identity
  readonly environment: readonly EnvironmentVariable[]
  readonly cpu: number
  /** Bytes. */
  readonly memory: number
  /** Instances. */
  readonly count: number
  /** Somebody else sets the number of instances: `up` leaves it alone. */
  readonly scaledFromOutside?: boolean
  readonly dependsOn?: readonly pulumi.Resource[]
}

/** Processes without a port that run on Cloud Run, as many as are asked for. */
export function makeRunPool(
  { place, services, network }: Foundation,
  args: RunPoolArgs,
  parent: pulumi.Resource,
): gcp.cloudrunv2.WorkerPool {
  return new gcp.cloudrunv2.WorkerPool(
    args.name,
    {
      project: place.project,
      location: place.region,
      name: args.name,
      deletionProtection: false,
      labels: labelsOf(place, args.name),
      scaling: { manualInstanceCount: args.count },
      template: {
        serviceAccount: args.identity.account.email,
        labels: labelsOf(place, args.name),
        containers: [
          {
            image: args.image,
            envs: [...args.environment],
            resources: { limits: { cpu: cpuQuantity(args.cpu), memory: memoryQuantity(args.memory) } },
          },
        ],
        vpcAccess: {
          networkInterfaces: [{ network: network.network.name, subnetwork: network.subnetwork.name }],
          egress: 'PRIVATE_RANGES_ONLY',
        },
      },
    },
    {
      parent,
      dependsOn: [...services.of('run'), ...args.identity.grants, ...(args.dependsOn ?? [])],
      ...(args.scaledFromOutside && { ignoreChanges: ['scaling.manualInstanceCount'] }),
    },
  )
}
