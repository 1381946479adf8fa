import * as gcp from '@pulumi/gcp'
import type * as pulumi from '@pulumi/pulumi'
import { letActAs } from './agent.ts'
import { makeRunPool } from './run-pool.ts'
import type { WorkerHost, WorkerSet } from './worker-cluster.ts'

/**
 * Workers as a worker pool of Cloud Run. Cloud Run does not know how long the queue is: the agent does, and sets the
 * number of instances, between the least and the most that it is told.
 */
export function cloudRunWorkers(
  set: WorkerSet,
  { scaler }: Extract<WorkerHost, { on: 'cloud-run' }>,
  parent: pulumi.Resource,
): void {
  const { foundation, config, name, image, identity, environment } = set
  const pool = makeRunPool(
    foundation,
    {
      name,
      image,
      identity,
      environment,
      cpu: config.cpu,
      memory: config.memory,
      count: config.min,
      scaledFromOutside: true,
    },
    parent,
  )
  new gcp.cloudrunv2.WorkerPoolIamMember(
    `${name}-scaled`,
    {
      project: pool.project,
      location: pool.location,
      name: pool.name,
      role: 'roles/run.developer',
      member: scaler.member,
    },
    { parent },
  )
  // A pool with another number of instances is a new version of it, which runs as the same account.
  letActAs(`${name}-scaled-as`, scaler, identity.account, parent)
}
