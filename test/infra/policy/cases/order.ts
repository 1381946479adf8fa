import type { PlannedResource } from '../../../../infra/plan/planned-resource.ts'
import type { Cases } from '../cases.ts'
import { account, emailOf, memberOf, resource } from '../fragments.ts'

const after = (...before: PlannedResource[]) => ({ dependencies: before.map(({ urn }) => urn) })

const storage = resource('gcp:projects/service:Service', 'storage', { service: 'storage.googleapis.com' })
const bucket = resource('gcp:storage/bucket:Bucket', 'results', {}, after(storage))

const agent = account('agent')
const readsSecret = resource('gcp:secretmanager/secretIamMember:SecretIamMember', 'agent-reads-token', {
  secretId: 'token',
  role: 'roles/secretmanager.secretAccessor',
  member: memberOf('agent'),
})
const user = resource('gcp:sql/user:User', 'agent', {}, after(readsSecret))
const pool = (...before: PlannedResource[]) =>
  resource(
    'gcp:cloudrunv2/workerPool:WorkerPool',
    'agent',
    { template: { serviceAccount: emailOf('agent') } },
    after(...before),
  )

const standIn = resource('kubernetes:core/v1:ServiceAccount', 'agent', {
  metadata: { name: 'agent', annotations: { 'iam.gke.io/gcp-service-account': emailOf('agent') } },
})
const beIt = resource('gcp:serviceaccount/iAMMember:IAMMember', 'agent-workload-identity', {
  role: 'roles/iam.workloadIdentityUser',
  member: 'serviceAccount:p.svc.id.goog[millrace/agent]',
})
const deployment = (...before: PlannedResource[]) =>
  resource(
    'kubernetes:apps/v1:Deployment',
    'agent',
    { spec: { template: { spec: { serviceAccountName: 'agent' } } } },
    after(...before),
  )

const peering = resource('gcp:servicenetworking/connection:Connection', 'peering')
const database = (...before: PlannedResource[]) =>
  resource(
    'gcp:sql/databaseInstance:DatabaseInstance',
    'postgres',
    { settings: { ipConfiguration: { privateNetwork: 'n' } } },
    after(...before),
  )

export const order: Cases = {
  'services-first': {
    keeps: [
      ['what waits for its API', [storage, bucket]],
      [
        'what waits for something that does',
        [storage, bucket, resource('gcp:storage/bucketObject:BucketObject', 'o', {}, after(bucket))],
      ],
      [
        'what waits by way of its provider',
        [
          storage,
          resource('pulumi:providers:gcp', 'other', {}, after(storage)),
          resource(
            'gcp:storage/bucket:Bucket',
            'b',
            {},
            { provider: 'urn:pulumi:dev::millrace::pulumi:providers:gcp::other::?' },
          ),
        ],
      ],
      ['what is of no API', [resource('random:index/randomId:RandomId', 'r')]],
      ['what is only looked up', [resource('gcp:storage/bucket:Bucket', 'theirs', {}, { existing: true })]],
    ],
    breaks: [
      [
        'a bucket that does not wait',
        [storage, resource('gcp:storage/bucket:Bucket', 'results')],
        'storage.Bucket results: dependsOn does not wait for storage.googleapis.com; add services.of(…) to dependsOn',
      ],
      [
        'an API that nothing switches on',
        [storage, resource('gcp:pubsub/topic:Topic', 'events', {}, after(storage))],
        'pubsub.Topic events: dependsOn needs pubsub.googleapis.com, which nothing switches on; add it to ProjectServices, and depend on it',
      ],
      [
        'a custom role',
        [resource('gcp:projects/iAMCustomRole:IAMCustomRole', 'launcher')],
        'projects.IAMCustomRole launcher: dependsOn needs iam.googleapis.com, which nothing switches on; add it to ProjectServices, and depend on it',
      ],
    ],
  },

  'grants-first': {
    keeps: [
      ['a pool after its grants', [agent, readsSecret, pool(readsSecret)]],
      ['a pool after what is after its grants', [agent, readsSecret, user, pool(user)]],
      [
        "somebody else's grants",
        [agent, account('other'), { ...readsSecret, inputs: { member: memberOf('other') } }, pool()],
      ],
      [
        'pods after the grants to their account, and after they may be it',
        [agent, readsSecret, standIn, beIt, deployment(readsSecret, beIt)],
      ],
      [
        'whom the agent may start',
        [agent, resource('gcp:serviceaccount/iAMMember:IAMMember', 'launch', { member: memberOf('agent') }), pool()],
      ],
    ],
    breaks: [
      [
        'a pool beside its grant',
        [agent, readsSecret, pool()],
        'cloudrunv2.WorkerPool agent: dependsOn leaves out agent-reads-token, a grant to the account it runs as; add that grant',
      ],
      [
        'pods beside a grant to the account that theirs stands for',
        [agent, readsSecret, standIn, beIt, deployment(beIt)],
        'kubernetes Deployment agent: dependsOn leaves out agent-reads-token, a grant to the account it runs as; add that grant',
      ],
      [
        'pods that may not be their account yet',
        [agent, readsSecret, standIn, beIt, deployment(readsSecret)],
        'kubernetes Deployment agent: dependsOn leaves out agent-workload-identity, a grant to the account it runs as; add that grant',
      ],
    ],
  },

  'peering-first': {
    keeps: [
      ['a database after the peering', [peering, database(peering)]],
      [
        'a database that is reached otherwise',
        [resource('gcp:sql/databaseInstance:DatabaseInstance', 'd', { settings: {} })],
      ],
    ],
    breaks: [
      [
        'a database beside the peering',
        [peering, database()],
        'sql.DatabaseInstance postgres: dependsOn does not wait for a servicenetworking.Connection; add the one of its network',
      ],
    ],
  },
}
