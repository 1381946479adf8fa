import { expect, it } from 'vitest'
import { running } from '../../../infra/plan/always-on.ts'
import type { PlannedResource } from '../../../infra/plan/planned-resource.ts'
import { planned, planOf } from './planned.ts'

const tell = (type: string, inputs: PlannedResource['inputs'], ...others: PlannedResource[]) =>
  running(planOf(planned(type, 'it', { inputs }), ...others)).map(
    ({ what, least, most, size }) => `${what}: ${least}-${most ?? '?'}, ${size}`,
  )

it.each<[string, PlannedResource['inputs'], string]>([
  [
    'sql/databaseInstance:DatabaseInstance',
    { settings: { tier: 'db-custom-1-3840', availabilityType: 'REGIONAL', diskSize: 50 } },
    'Cloud SQL instance: 1-1, db-custom-1-3840, 50 GB SSD, with a standby in another zone',
  ],
  ['container/cluster:Cluster', { location: 'europe-west1-b' }, 'GKE control plane: 1-1, one zone'],
  ['container/cluster:Cluster', { location: 'europe-west1' }, 'GKE control plane: 1-1, regional'],
  [
    'container/nodePool:NodePool',
    {
      location: 'europe-west1',
      autoscaling: { minNodeCount: 0, maxNodeCount: 5 },
      nodeConfig: { machineType: 'n1-standard-8', spot: true, guestAccelerators: [{ type: 't4', count: 1 }] },
    },
    'GKE nodes: 0-5, n1-standard-8, spot, 1 × t4, in each zone',
  ],
  [
    'container/nodePool:NodePool',
    { location: 'europe-west1', autoscaling: { totalMinNodeCount: 1, totalMaxNodeCount: 3 } },
    'GKE nodes: 1-3, e2-medium',
  ],
  [
    'cloudrunv2/service:Service',
    {
      template: {
        scaling: { minInstanceCount: 1, maxInstanceCount: 3 },
        containers: [{ resources: { limits: { cpu: '1', memory: '512Mi' } } }],
      },
    },
    'Cloud Run service: 1-3, 1 CPU, 512Mi',
  ],
  ['cloudrunv2/workerPool:WorkerPool', { scaling: { manualInstanceCount: 2 } }, 'Cloud Run workers: 2-2, '],
  [
    'cloudrunv2/workerPool:WorkerPool',
    { scaling: { minInstanceCount: 0, maxInstanceCount: 9 } },
    'Cloud Run workers: 0-9, ',
  ],
  ['cloudrunv2/workerPool:WorkerPool', {}, 'Cloud Run workers: 1-1, '],
  ['cloudrunv2/job:Job', { template: { taskCount: 4 } }, 'Cloud Run job: 0-4, '],
  ['compute/routerNat:RouterNat', {}, 'NAT gateway: 1-1, by machine and traffic'],
  ['compute/address:Address', {}, 'external address: 1-1, '],
])('tells of %s how many run with nothing to do, and how big', (type, inputs, expected) => {
  expect(tell(`gcp:${type}`, inputs)).toEqual([expected])
})

it('leaves out what costs nothing by being there', () => {
  expect(tell('gcp:compute/globalAddress:GlobalAddress', { addressType: 'INTERNAL' })).toEqual([])
  expect(tell('gcp:storage/bucket:Bucket', {})).toEqual([])
})

it('goes by the scaler of a Deployment where it has one', () => {
  const metadata = { name: 'workers', namespace: 'millrace' }
  const deployment = { metadata, spec: { replicas: 2 } }
  const scaler = (namespace: string) =>
    planned('kubernetes:keda.sh/v1alpha1:ScaledObject', 'scaler', {
      inputs: {
        metadata: { name: 'x', namespace },
        spec: { scaleTargetRef: { name: 'workers' }, minReplicaCount: 0, maxReplicaCount: 10 },
      },
    })
  expect(tell('kubernetes:apps/v1:Deployment', deployment)).toEqual(['pods: 2-2, '])
  expect(tell('kubernetes:apps/v1:Deployment', deployment, scaler('millrace'))).toEqual(['pods: 0-10, '])
  expect(tell('kubernetes:apps/v1:Deployment', deployment, scaler('other'))).toEqual(['pods: 2-2, '])
})
