import { expect, it } from 'vitest'
import { access } from '../../../infra/plan/access.ts'
import { type PlannedResource, Unknown } from '../../../infra/plan/planned-resource.ts'
import { planned, planOf } from './planned.ts'

const agent = 'serviceAccount:agent@p.iam.gserviceaccount.com'
const grant = (type: string, inputs: PlannedResource['inputs']) => planned(`gcp:${type}`, 'grant', { inputs })
const tell = (...resources: PlannedResource[]) =>
  access(planOf(...resources)).map(({ identity, role, on }) => `${identity} ${role} ${on}`)

it.each([
  ['projects/iAMMember:IAMMember', { project: 'p' }, 'project p'],
  ['storage/bucketIAMMember:BucketIAMMember', { bucket: 'b/results' }, 'bucket results'],
  [
    'secretmanager/secretIamMember:SecretIamMember',
    { secretId: 'projects/p/secrets/token', project: 'p' },
    'secret token',
  ],
  ['serviceaccount/iAMMember:IAMMember', { serviceAccountId: 'projects/p/serviceAccounts/a@p' }, 'service account a@p'],
  [
    'artifactregistry/repositoryIamMember:RepositoryIamMember',
    { repository: 'images', location: 'r' },
    'repository images',
  ],
  ['cloudrunv2/workerPoolIamMember:WorkerPoolIamMember', { name: 'workers', location: 'r' }, 'worker pool workers'],
  [
    'storage/managedFolderIamMember:ManagedFolderIamMember',
    { bucket: 'results', managedFolder: 'flows/' },
    'managed folder results/',
  ],
])('tells what %s grants, and on what', (type, target, on) => {
  expect(tell(grant(type, { ...target, role: 'roles/x', member: agent }))).toEqual([`${agent} roles/x ${on}`])
})

it('lists each member of a binding', () => {
  const inputs = { bucket: 'results', role: 'roles/x', members: ['group:b@example.org', 'group:a@example.org'] }
  expect(tell(grant('storage/bucketIAMBinding:BucketIAMBinding', inputs))).toEqual([
    'group:a@example.org roles/x bucket results',
    'group:b@example.org roles/x bucket results',
  ])
})

it('keeps the condition, and what is not known yet', () => {
  const expression = new Unknown('postgres.name', 'resource.name == "<postgres.name>"')
  const inputs = { project: 'p', role: 'roles/x', member: agent, condition: { title: 'one', expression } }
  expect(access(planOf(grant('projects/iAMMember:IAMMember', inputs)))).toMatchObject([
    { condition: 'resource.name == "<postgres.name>"' },
  ])
})

it('tells what accounts of a Kubernetes cluster may do, by the rules of their role', () => {
  const rbac = (kind: string, name: string, inputs: PlannedResource['inputs']) =>
    planned(`kubernetes:rbac.authorization.k8s.io/v1:${kind}`, name, { inputs })
  const metadata = (name: string) => ({ metadata: { name, namespace: 'millrace' } })
  const subjects = [{ kind: 'ServiceAccount', name: 'agent' }]
  const roleRef = { kind: 'Role', name: 'launches' }
  expect(
    tell(
      rbac('Role', 'role', {
        ...metadata('launches'),
        rules: [
          { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'delete'] },
          { apiGroups: [''], resources: ['pods', 'pods/log'], verbs: ['get'], resourceNames: ['one'] },
        ],
      }),
      rbac('RoleBinding', 'binding', { ...metadata('agent'), roleRef, subjects }),
      rbac('ClusterRoleBinding', 'wide', {
        metadata: { name: 'agent' },
        roleRef: { kind: 'ClusterRole', name: 'view' },
        subjects: [{ kind: 'ServiceAccount', namespace: 'keda', name: 'operator' }],
      }),
    ),
  ).toEqual([
    'kubernetes:keda/operator ClusterRole view the whole cluster',
    'kubernetes:millrace/agent Role launches: create,delete jobs.batch; get pods,pods/log (one) namespace millrace',
  ])
})

it('looks for the rules of a role in the same cluster', () => {
  const rbac = (kind: string, cluster: string, inputs: PlannedResource['inputs']) =>
    planned(`kubernetes:rbac.authorization.k8s.io/v1:${kind}`, cluster, { provider: `${cluster}::?`, inputs })
  const rules = (verb: string) => ({ metadata: { name: 'it' }, rules: [{ verbs: [verb], resources: ['pods'] }] })
  const binding = { roleRef: { kind: 'ClusterRole', name: 'it' }, subjects: [{ name: 'agent' }] }
  expect(
    tell(
      rbac('ClusterRole', 'one', rules('get')),
      rbac('ClusterRole', 'two', rules('delete')),
      rbac('ClusterRoleBinding', 'two', binding),
    ),
  ).toEqual(['kubernetes:agent ClusterRole it: delete pods the whole cluster'])
})

it('is in order of identity, role and resource', () => {
  const by = (member: string, role: string) => grant('projects/iAMMember:IAMMember', { project: 'p', role, member })
  expect(tell(by('b', 'y'), by('a', 'z'), by('b', 'x'))).toEqual(['a z project p', 'b x project p', 'b y project p'])
})
