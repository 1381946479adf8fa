import { describe, expect, it } from 'vitest'
import { inventory } from '../../../infra/plan/inventory.ts'
import { Unknown } from '../../../infra/plan/planned-resource.ts'
import { planText } from '../../../infra/plan/text.ts'
import { component, planned, planOf } from './planned.ts'

const services = component('services')
const apis = ['iam', 'run', 'storage'].map((name) =>
  planned('gcp:projects/service:Service', name, { parent: services, inputs: { service: `${name}.googleapis.com` } }),
)
const buckets = component('buckets')
const results = planned('gcp:storage/bucket:Bucket', 'results', {
  parent: buckets,
  inputs: { name: 'p-results', location: 'EU', labels: { a: 'b' } },
  protect: true,
  dependencies: apis.map((each) => each.urn),
})
const grant = planned('gcp:storage/bucketIAMMember:BucketIAMMember', 'agent-reads', {
  parent: buckets,
  provider: 'urn:pulumi:dev::millrace::pulumi:providers:gcp::gcp::?',
  dependencies: [results.urn, ...apis.slice(0, 1).map((each) => each.urn)],
  inputs: {
    bucket: 'p-results',
    role: 'roles/storage.objectViewer',
    member: 'group:a@example.org',
    condition: { title: 'one', expression: 'resource.name == "x"' },
  },
})
const pool = planned('gcp:cloudrunv2/workerPool:WorkerPool', 'agent', {
  parent: buckets,
  inputs: { name: 'agent', scaling: { manualInstanceCount: 1 } },
})
const plan = {
  ...planOf(services, ...apis, buckets, results, grant, pool),
  outputs: { url: 'gs://p-results', all: new Unknown('x.y', '{"host":"<x.y>"}') },
  warnings: ['the disk is small'],
}

describe('a plan on a terminal', () => {
  it('has every resource under its component, with what comes before it', () => {
    expect(planText(plan)).toContain(`Plan of dev: 6 resources (6 gcp) in 2 components, 1 protected

Part services
├─ projects.Service iam  iam.googleapis.com
├─ projects.Service run  run.googleapis.com
└─ projects.Service storage  storage.googleapis.com

Part buckets
├─ storage.Bucket results  p-results, EU [protected]
│       after all of services (3)
├─ storage.BucketIAMMember agent-reads  roles/storage.objectViewer on bucket p-results for group:a@example.org
│       by provider gcp
│       after results, services/iam
└─ cloudrunv2.WorkerPool agent  agent
`)
  })

  it('tells who may do what, what is always on, outputs and warnings', () => {
    expect(planText(plan)).toContain(`
Who may do what

  group:a@example.org
    roles/storage.objectViewer  bucket p-results, if resource.name == "x"

What runs with nothing to do
  Cloud Run workers  agent  1

Outputs
  url: gs://p-results
  all: {
    "host": "<x.y>"
  }

Warnings
  the disk is small
`)
  })

  it('fits into 120 columns', () => {
    const many = Array.from({ length: 60 }, (_, i) =>
      planned('gcp:pubsub/topic:Topic', `topic-${i}`, { parent: buckets }),
    )
    const last = planned('gcp:pubsub/topic:Topic', 'last', {
      parent: buckets,
      dependencies: many.slice(1).map((each) => each.urn),
    })
    const lines = planText(planOf(buckets, ...many, last)).split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120)
    expect(lines.join(' ')).toContain('topic-59')
  })
})

describe('an inventory', () => {
  it('is a line for each resource, in the order of the alphabet', () => {
    expect(inventory(plan)).toBe(`Part buckets
Part buckets / cloudrunv2.WorkerPool agent: agent, runs 1 (Cloud Run workers)
Part buckets / storage.Bucket results: p-results, EU, protected
Part buckets / storage.BucketIAMMember agent-reads: roles/storage.objectViewer on bucket p-results for group:a@example.org, if resource.name == "x"
Part services
Part services / projects.Service iam: iam.googleapis.com
Part services / projects.Service run: run.googleapis.com
Part services / projects.Service storage: storage.googleapis.com
`)
  })

  it('is the same when code only moves', () => {
    const moved = planOf(buckets, pool, grant, { ...results, source: 'elsewhere.ts:1' }, services, ...apis.toReversed())
    expect(inventory(moved)).toBe(inventory(plan))
  })
})
