import { Unknown } from '../../../../infra/plan/planned-resource.ts'
import type { Cases } from '../cases.ts'
import { account, component, memberOf, resource } from '../fragments.ts'

const CONDITION = 'assertion.repository_id == "123" && assertion.repository_owner_id == "45"'
const POOL = 'principalSet://iam.googleapis.com/projects/7/locations/global/workloadIdentityPools/github'

function provider(inputs: Parameters<typeof resource>[2]) {
  return resource('gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider', 'provider', {
    oidc: { issuerUri: 'https://token.actions.githubusercontent.com' },
    attributeMapping: {
      'google.subject': 'assertion.sub',
      'attribute.repository_id': 'assertion.repository_id',
      'attribute.may': 'assertion.environment == "prod" ? "apply" : "nothing"',
    },
    attributeCondition: CONDITION,
    ...inputs,
  })
}

const later = (who: string) => new Unknown('suffix.hex', `${POOL}-<suffix.hex>/${who}`)
const federated = (member: string | Unknown) => [
  provider({}),
  resource('gcp:serviceaccount/iAMMember:IAMMember', 'apply-federation', {
    serviceAccountId: 'projects/p/serviceAccounts/github-apply@p.iam.gserviceaccount.com',
    role: 'roles/iam.workloadIdentityUser',
    member,
  }),
]

const github = component('GithubDeployIdentity', 'github')
const preview = account('github-preview', github)
const projectGrant = (
  role: string,
  more: Parameters<typeof resource>[2] = {},
  options: Parameters<typeof resource>[3] = {},
) =>
  resource('gcp:projects/iAMMember:IAMMember', 'grant', { project: 'p', role, member: memberOf('x'), ...more }, options)
const previewGrant = (role: string) => [
  github,
  preview,
  projectGrant(role, { member: memberOf('github-preview') }, { parent: github }),
]
const launcher = (...permissions: string[]) =>
  resource('gcp:projects/iAMCustomRole:IAMCustomRole', 'launcher', { roleId: 'launcher', permissions })

const flow = component('FlowDeployment', 'flow-hello', { secrets: ['token'] })
const flowAccount = account('flow-hello', flow)
const flowMember = memberOf('flow-hello')
const secretGrant = (secretId: string) =>
  resource('gcp:secretmanager/secretIamMember:SecretIamMember', `hello-reads-${secretId}`, {
    secretId,
    role: 'roles/secretmanager.secretAccessor',
    member: flowMember,
  })
const bucketGrant = (condition?: { title: string; expression: string | Unknown }) =>
  resource('gcp:storage/bucketIAMMember:BucketIAMMember', 'hello-writes', {
    bucket: 'p-results',
    role: 'roles/storage.objectUser',
    member: flowMember,
    ...(condition && { condition }),
  })
const below = (prefix: string) => ({
  title: 'only its own',
  expression: `resource.name.startsWith("projects/_/buckets/p-results/objects/${prefix}")`,
})

export const access: Cases = {
  'no-keys': {
    keeps: [
      ['a service account', [account('agent')]],
      ['a secret of Kubernetes that is no token', [resource('kubernetes:core/v1:Secret', 's', { type: 'Opaque' })]],
    ],
    breaks: [
      [
        'a key of a service account',
        [resource('gcp:serviceaccount/key:Key', 'ci', { serviceAccountId: 'agent' })],
        'serviceaccount.Key ci: type makes a key (gcp:serviceaccount/key:Key); remove it: workloads run as the account, and GitHub signs in through workload identity federation',
      ],
      [
        'an HMAC key',
        [resource('gcp:storage/hmacKey:HmacKey', 's3', { serviceAccountEmail: 'agent' })],
        'storage.HmacKey s3: type makes a key (gcp:storage/hmacKey:HmacKey); remove it: read and write as a service account, with gs:// addresses',
      ],
      [
        'an API key',
        [resource('gcp:projects/apiKey:ApiKey', 'maps')],
        'projects.ApiKey maps: type makes a key (gcp:projects/apiKey:ApiKey); remove it: call Google as a service account',
      ],
      [
        'a token of Kubernetes that never ends',
        [resource('kubernetes:core/v1:Secret', 'ci', { type: 'kubernetes.io/service-account-token' })],
        'kubernetes Secret ci: type is "kubernetes.io/service-account-token", a token that never ends; remove it: pods get tokens of an hour by themselves',
      ],
    ],
  },

  'no-basic-roles': {
    keeps: [
      ['a role of one service', [projectGrant('roles/run.viewer')]],
      ['a custom role called viewer', [projectGrant('projects/p/roles/viewer')]],
      [
        'a basic role in a description',
        [resource('gcp:serviceaccount/account:Account', 'a', { description: 'no roles/owner' })],
      ],
    ],
    breaks: [
      ...['owner', 'editor', 'viewer'].map(
        (role) =>
          [
            role,
            [projectGrant(`roles/${role}`)],
            `projects.IAMMember grant: role gives a basic role: roles/${role}; give a predefined role of the one service, or a custom role`,
          ] as const,
      ),
      [
        'an editor in the text of a whole policy',
        [
          resource('gcp:storage/bucketIAMPolicy:BucketIAMPolicy', 'all', {
            policyData: '{"bindings":[{"role":"roles/editor","members":["user:a@example.org"]}]}',
          }),
        ],
        'storage.BucketIAMPolicy all: policyData gives a basic role: roles/editor; give a predefined role of the one service, or a custom role',
      ],
      [
        'the owner of a dataset, as BigQuery used to call it',
        [resource('gcp:bigquery/datasetAccess:DatasetAccess', 'a', { datasetId: 'd', role: 'OWNER' })],
        'bigquery.DatasetAccess a: role is OWNER, a basic role; give a role of BigQuery',
      ],
      [
        'cluster-admin',
        [
          resource('kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding', 'agent', {
            roleRef: { kind: 'ClusterRole', name: 'cluster-admin' },
          }),
        ],
        'kubernetes ClusterRoleBinding agent: roleRef.name is "cluster-admin"; bind a Role with just what it does',
      ],
    ],
  },

  'narrow-grants': {
    keeps: [
      ['a role that is written to the project by its nature', [projectGrant('roles/logging.logWriter')]],
      [
        'a role held to one database',
        [
          projectGrant('roles/cloudsql.client', {
            condition: { title: 'one', expression: new Unknown('postgres.name') },
          }),
        ],
      ],
      [
        'a custom role of what has no smaller home',
        [launcher('run.jobs.create', 'run.jobs.run'), projectGrant('projects/p/roles/launcher')],
      ],
      [
        'what the identity of deployments makes things with',
        [github, projectGrant('roles/run.admin', {}, { parent: github })],
      ],
      [
        'what the identity of pull requests looks with',
        [github, projectGrant('roles/run.viewer', {}, { parent: github })],
      ],
      [
        'a binding on one resource',
        [
          resource('gcp:cloudrunv2/serviceIamBinding:ServiceIamBinding', 'b', {
            role: 'roles/run.invoker',
            members: [],
          }),
        ],
      ],
    ],
    breaks: [
      [
        'secrets opened in the whole project',
        [projectGrant('roles/secretmanager.secretAccessor')],
        'projects.IAMMember grant: role is "roles/secretmanager.secretAccessor" on the whole project; grant it on the resource it is for, add a condition, or add it with its reason to infra/policy/project-roles.ts',
      ],
      [
        'a role of the identity of deployments for anybody else',
        [projectGrant('roles/run.admin')],
        'projects.IAMMember grant: role is "roles/run.admin" on the whole project; grant it on the resource it is for, add a condition, or add it with its reason to infra/policy/project-roles.ts',
      ],
      [
        'a condition that always holds',
        [projectGrant('roles/run.admin', { condition: { title: 'always', expression: 'true' } })],
        'projects.IAMMember grant: role is "roles/run.admin" on the whole project; grant it on the resource it is for, add a condition, or add it with its reason to infra/policy/project-roles.ts',
      ],
      [
        'a custom role that lets anybody be anybody',
        [launcher('run.jobs.create', 'iam.serviceAccounts.actAs'), projectGrant('projects/p/roles/launcher')],
        'projects.IAMCustomRole launcher: permissions[1] is "iam.serviceAccounts.actAs", and grant grants the role on the whole project; grant a role with it on the service account',
      ],
      [
        'a custom role whose name is known only later',
        [
          launcher('storage.objects.get'),
          projectGrant(
            'x',
            { role: new Unknown('launcher.name') },
            { propertyDependencies: { role: [launcher().urn] } },
          ),
        ],
        'projects.IAMCustomRole launcher: permissions[0] is "storage.objects.get", and grant grants the role on the whole project; grant a role with it on the bucket',
      ],
      [
        'a role that owns its members in the project',
        [resource('gcp:projects/iAMBinding:IAMBinding', 'all', { role: 'roles/logging.logWriter', members: [] })],
        "projects.IAMBinding all: type owns all members of a role: it removes those of others, Google's own among them; use projects.IAMMember",
      ],
      [
        'the whole policy of the project',
        [resource('gcp:projects/iAMPolicy:IAMPolicy', 'all', { policyData: new Unknown() })],
        "projects.IAMPolicy all: type owns all grants of the project: it removes those of others, Google's own among them; use projects.IAMMember",
      ],
      [
        'a grant on the organization',
        [resource('gcp:organizations/iAMMember:IAMMember', 'org', { role: 'roles/logging.logWriter', member: 'x' })],
        'organizations.IAMMember org: type grants on the whole organization; grant on a resource of the stack, or leave it to those who own the organization',
      ],
    ],
  },

  'role-names': {
    keeps: [
      ['a role of Google', [projectGrant('roles/run.invoker')]],
      ['a role of the project', [projectGrant('projects/p/roles/millraceLauncher')]],
      ['a role of the organization', [projectGrant('organizations/1/roles/reader')]],
      ['one that is known only later', [projectGrant('x', { role: new Unknown('launcher.name') })]],
    ],
    breaks: [
      [
        'a role without roles/',
        [projectGrant('run.invoker')],
        'projects.IAMMember grant: role is "run.invoker", which is no role; write "roles/run.invoker"',
      ],
      [
        'a path that is none',
        [projectGrant('project/p/role/x')],
        'projects.IAMMember grant: role is "project/p/role/x", which is no role; write roles/SERVICE.NAME, or projects/PROJECT/roles/ID',
      ],
    ],
  },

  'federation-condition': {
    keeps: [
      ['numbers of the repository and its owner', [provider({})]],
      [
        "a condition on somebody else's tokens",
        [
          provider({
            oidc: { issuerUri: 'https://gitlab.example.org' },
            attributeCondition: 'assertion.project_id == "7"',
          }),
        ],
      ],
      [
        'numbers in single quotes, and more conditions',
        [
          provider({
            attributeCondition:
              "assertion.repository_owner_id=='45' && assertion.repository_id=='123' && assertion.ref=='refs/heads/main'",
          }),
        ],
      ],
    ],
    breaks: [
      [
        'no condition for tokens of somebody else',
        [provider({ oidc: { issuerUri: 'https://gitlab.example.org' }, attributeCondition: ' ' })],
        'iam.WorkloadIdentityPoolProvider provider: attributeCondition is " "; write who may come in; it must be known',
      ],
      [
        'no condition at all',
        [provider({ attributeCondition: '' })],
        'iam.WorkloadIdentityPoolProvider provider: attributeCondition is ""; write who may come in; it must be known',
      ],
      [
        'a condition that nobody can read yet',
        [provider({ attributeCondition: new Unknown('config.?') })],
        'iam.WorkloadIdentityPoolProvider provider: attributeCondition is known only later; write who may come in; it must be known',
      ],
      [
        'a repository by name',
        [provider({ attributeCondition: 'assertion.repository == "me/it" && assertion.repository_owner_id == "45"' })],
        'iam.WorkloadIdentityPoolProvider provider: attributeCondition does not hold repository_id to a number; add: && assertion.repository_id == "123456789"',
      ],
      [
        'an owner that is not held to anything',
        [provider({ attributeCondition: 'assertion.repository_id == "123"' })],
        'iam.WorkloadIdentityPoolProvider provider: attributeCondition does not hold repository_owner_id to a number; add: && assertion.repository_owner_id == "123456789"',
      ],
      [
        'a way around the numbers',
        [provider({ attributeCondition: `${CONDITION} || assertion.actor == "me"` })],
        'iam.WorkloadIdentityPoolProvider provider: attributeCondition has "||", "?" or "!", by which a token may pass that no number holds; join all parts with "&&", and put choices into attributeMapping',
      ],
      [
        'no subject',
        [provider({ attributeMapping: { 'attribute.ref': 'assertion.ref' } })],
        'iam.WorkloadIdentityPoolProvider provider: attributeMapping["google.subject"] is missing, which Google refuses; map it: "assertion.sub"',
      ],
    ],
  },

  'federation-binding': {
    keeps: [
      ['an attribute made of the environment', federated(`${POOL}/attribute.may/apply`)],
      ['a subject with its branch', federated(`${POOL.replace('Set', '')}/subject/repo:me/it:ref:refs/heads/main`)],
      [
        'one account of the cluster',
        federated(
          'principal://iam.googleapis.com/projects/7/locations/global/workloadIdentityPools/p.svc.id.goog/subject/ns/millrace/sa/agent',
        ),
      ],
      ['a service account', federated(memberOf('x'))],
      ['a pool whose name is known only later', federated(later('attribute.may/apply'))],
    ],
    breaks: [
      [
        'everybody in the pool',
        federated(`${POOL}/*`),
        `serviceaccount.IAMMember apply-federation: member is "${POOL}/*", everybody in the pool; bind it to one: principalSet://…/attribute.NAME/VALUE, NAME mapped from assertion.ref or .environment`,
      ],
      [
        'everybody in a pool whose name is known only later',
        federated(later('*')),
        'serviceaccount.IAMMember apply-federation: member is "principalSet://iam.googleapis.com/projects/7/locations/global/workloadIdentityPools/github-<suffix.hex>/*", everybody in the pool; bind it to one: principalSet://…/attribute.NAME/VALUE, NAME mapped from assertion.ref or .environment',
      ],
      [
        'all branches of a repository',
        federated(`${POOL}/attribute.repository_id/123`),
        `serviceaccount.IAMMember apply-federation: member is "${POOL}/attribute.repository_id/123", and attribute.repository_id is the same for all branches and pull requests; bind it to one: principalSet://…/attribute.NAME/VALUE, NAME mapped from assertion.ref or .environment`,
      ],
      [
        'a role for GitHub itself',
        [provider({}), projectGrant('roles/run.viewer', { member: `${POOL}/attribute.may/preview` })],
        'projects.IAMMember grant: role gives "roles/run.viewer" to what signs in from outside; grant roles/iam.workloadIdentityUser on a service account, and give the role to that',
      ],
      [
        'an attribute that nothing maps',
        federated(`${POOL}/attribute.environment/prod`),
        `serviceaccount.IAMMember apply-federation: member is "${POOL}/attribute.environment/prod", but no provider maps attribute.environment; bind it to one: principalSet://…/attribute.NAME/VALUE, NAME mapped from assertion.ref or .environment`,
      ],
      [
        'a subject of any branch',
        federated(`${POOL.replace('Set', '')}/subject/repo:me/it`),
        `serviceaccount.IAMMember apply-federation: member is "${POOL.replace('Set', '')}/subject/repo:me/it", a subject with no ref or environment; bind it to one: principalSet://…/attribute.NAME/VALUE, NAME mapped from assertion.ref or .environment`,
      ],
      [
        'a group, which tokens of GitHub do not have',
        federated(`${POOL}/group/deployers`),
        `serviceaccount.IAMMember apply-federation: member is "${POOL}/group/deployers", no attribute; bind it to one: principalSet://…/attribute.NAME/VALUE, NAME mapped from assertion.ref or .environment`,
      ],
      [
        'a whole namespace of the cluster',
        federated(
          'principalSet://iam.googleapis.com/projects/7/locations/global/workloadIdentityPools/p.svc.id.goog/namespace/millrace',
        ),
        'serviceaccount.IAMMember apply-federation: member is "principalSet://iam.googleapis.com/projects/7/locations/global/workloadIdentityPools/p.svc.id.goog/namespace/millrace", more than one service account of the cluster; bind it to one: principalSet://…/attribute.NAME/VALUE, NAME mapped from assertion.ref or .environment',
      ],
    ],
  },

  'preview-reads-only': {
    keeps: [
      ['a viewer', previewGrant('roles/run.viewer')],
      ['a reader', previewGrant('roles/artifactregistry.reader')],
      ['a reviewer', previewGrant('roles/iam.securityReviewer')],
      [
        'a custom role of get and list',
        [
          ...previewGrant('projects/p/roles/launcher'),
          launcher('run.jobs.get', 'run.jobs.list', 'run.jobs.getIamPolicy'),
        ],
      ],
      [
        'how it becomes itself',
        [
          github,
          preview,
          resource('gcp:serviceaccount/iAMMember:IAMMember', 'preview-federation', {
            role: 'roles/iam.workloadIdentityUser',
            member: `${POOL}/attribute.may/preview`,
          }),
        ],
      ],
      ['a stack without GitHub', [projectGrant('roles/run.admin')]],
    ],
    breaks: [
      [
        'a role that changes things',
        previewGrant('roles/run.developer'),
        'projects.IAMMember grant: role is "roles/run.developer", which is not known to only read; give the preview identity a viewer role, or a custom role of get and list',
      ],
      [
        'the values of secrets',
        [
          github,
          preview,
          resource(
            'gcp:secretmanager/secretIamMember:SecretIamMember',
            'reads',
            {
              secretId: 's',
              role: 'roles/secretmanager.secretAccessor',
              member: new Unknown('github-preview.member'),
            },
            { propertyDependencies: { member: [preview.urn] } },
          ),
        ],
        'secretmanager.SecretIamMember reads: role is "roles/secretmanager.secretAccessor", which is not known to only read; give the preview identity a viewer role, or a custom role of get and list',
      ],
      [
        'a custom role that makes tokens',
        [...previewGrant('projects/p/roles/launcher'), launcher('run.jobs.get', 'iam.serviceAccounts.getAccessToken')],
        'projects.IAMCustomRole launcher: permissions[1] is "iam.serviceAccounts.getAccessToken", which does not only read, and the preview identity has the role; remove it, or make another role',
      ],
      [
        'no identity of its own for pull requests',
        [github, account('github-apply', github)],
        'GithubDeployIdentity github: preview has 0 service accounts with "preview" in accountId; give pull requests one account of their own, named so',
      ],
    ],
  },

  'flow-accounts': {
    keeps: [
      [
        'its own account, secrets and prefix',
        [flow, flowAccount, secretGrant('token'), bucketGrant(below('flows/hello/'))],
      ],
      [
        'its own prefix to read and to list',
        [
          flow,
          flowAccount,
          bucketGrant({
            title: 'x',
            expression: `${below('flows/hello/').expression} || api.getAttribute("storage.googleapis.com/objectListPrefix", "").startsWith("flows/hello/")`,
          }),
        ],
      ],
      ['a prefix at the top of the bucket', [flow, flowAccount, bucketGrant(below('hello/'))]],
      [
        'a condition that is known only later',
        [
          flow,
          flowAccount,
          resource('gcp:storage/bucketIAMMember:BucketIAMMember', 'w', {
            member: flowMember,
            condition: new Unknown(),
          }),
        ],
      ],
      [
        'an agent that may start jobs as it',
        [
          flow,
          flowAccount,
          resource('gcp:serviceaccount/iAMMember:IAMMember', 'launch', {
            serviceAccountId: 'projects/p/serviceAccounts/flow-hello@p.iam.gserviceaccount.com',
            role: 'roles/iam.serviceAccountUser',
            member: memberOf('agent'),
          }),
        ],
      ],
    ],
    breaks: [
      [
        'a flow without an account',
        [flow],
        'FlowDeployment flow-hello: account is not one but 0 service accounts; make one serviceaccount.Account inside the component',
      ],
      [
        'a flow with two',
        [flow, flowAccount, account('flow-other', flow)],
        'FlowDeployment flow-hello: account is not one but 2 service accounts; make one serviceaccount.Account inside the component',
      ],
      [
        'a process that runs as a flow',
        [
          flow,
          flowAccount,
          resource('gcp:cloudrunv2/workerPool:WorkerPool', 'agent', {
            template: { serviceAccount: 'flow-hello@p.iam.gserviceaccount.com' },
          }),
        ],
        'cloudrunv2.WorkerPool agent: template.serviceAccount is the account of a flow, flow-hello; give it its own',
      ],
      [
        "another flow's secret",
        [flow, flowAccount, secretGrant('password')],
        'secretmanager.SecretIamMember hello-reads-password: secretId is "password", which the flow hello does not declare; add it to secrets in flows/hello/flow.ts, or remove the grant',
      ],
      [
        'a flow that does not say which secrets are its own',
        [component('FlowDeployment', 'flow-hello'), flowAccount, secretGrant('token')],
        'FlowDeployment flow-hello: output secrets is missing; register the names of the secrets that the flow declares',
      ],
      [
        'all secrets of the project',
        [flow, flowAccount, projectGrant('roles/secretmanager.secretAccessor', { member: flowMember })],
        'projects.IAMMember grant: role opens more than one secret to a flow; grant it on each secret',
      ],
      [
        'a whole bucket',
        [flow, flowAccount, bucketGrant()],
        'storage.BucketIAMMember hello-writes: condition holds the flow hello to no prefix; let resource.name start with projects/_/buckets/p-results/objects/…hello/',
      ],
      [
        "another flow's prefix",
        [flow, flowAccount, bucketGrant(below('flows/predict/'))],
        'storage.BucketIAMMember hello-writes: condition holds the flow hello to "flows/predict/"; let resource.name start with projects/_/buckets/p-results/objects/…hello/',
      ],
      [
        "another flow's prefix in a bucket whose name is known only later",
        [
          flow,
          flowAccount,
          bucketGrant({
            title: 'x',
            expression: new Unknown('b.name', 'resource.name.startsWith("projects/_/buckets/<b.name>/objects/x/")'),
          }),
        ],
        'storage.BucketIAMMember hello-writes: condition holds the flow hello to "x/"; let resource.name start with projects/_/buckets/p-results/objects/…hello/',
      ],
      [
        'a way around its prefix',
        [flow, flowAccount, bucketGrant({ title: 'x', expression: `${below('flows/hello/').expression} || true` })],
        'storage.BucketIAMMember hello-writes: condition holds the flow hello to no prefix; let resource.name start with projects/_/buckets/p-results/objects/…hello/',
      ],
      [
        'a prefix that others begin with, too',
        [flow, flowAccount, bucketGrant(below('flows/hello'))],
        'storage.BucketIAMMember hello-writes: condition holds the flow hello to "flows/hello"; let resource.name start with projects/_/buckets/p-results/objects/…hello/',
      ],
    ],
  },
}
