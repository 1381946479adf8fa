import { type Planned, Unknown } from '../../../../infra/plan/planned-resource.ts'
import type { Cases } from '../cases.ts'
import { component, emailOf, IMAGE, resource } from '../fragments.ts'

const named = (type: string, name: string) => [resource(type, 'x', { metadata: { name } })]
const container = (more: { [key: string]: Planned }) => [
  resource('kubernetes:apps/v1:Deployment', 'agent', {
    metadata: { name: 'agent' },
    spec: { template: { spec: { containers: [{ name: 'agent', image: IMAGE, ...more }] } } },
  }),
]
const amounts = (resources: { [key: string]: Planned }) => container({ resources })
const cluster = resource('gcp:container/cluster:Cluster', 'cluster')
const flow = component('FlowDeployment', 'flow-hello')
const pods = (name: string, google = name, namespace: Planned = 'millrace') =>
  resource(
    'kubernetes:core/v1:ServiceAccount',
    name,
    { metadata: { name, namespace, annotations: { 'iam.gke.io/gcp-service-account': emailOf(google) } } },
    { parent: flow },
  )
const mayBe = (name: string, google = name) =>
  resource('gcp:serviceaccount/iAMMember:IAMMember', `${name}-workload-identity`, {
    serviceAccountId: `projects/p/serviceAccounts/${emailOf(google)}`,
    role: 'roles/iam.workloadIdentityUser',
    member: `serviceAccount:p.svc.id.goog[millrace/${name}]`,
  })
const AT = 'kubernetes Deployment agent: spec.template.spec.containers[0]'
const LABEL = 'use lower-case letters, digits and "-", 63 at most, none of them "-" at the ends'

export const inCluster: Cases = {
  'kubernetes-accounts': {
    keeps: [
      ['a flow that has an account, and may be it', [cluster, flow, pods('flow-hello'), mayBe('flow-hello')]],
      ['a flow where there is no cluster', [flow]],
      ['an account that is nobody at Google', [resource('kubernetes:core/v1:ServiceAccount', 'keda', {})]],
      [
        'a namespace that is known only later',
        [cluster, flow, pods('flow-hello', 'flow-hello', new Unknown()), mayBe('flow-hello')],
      ],
      [
        'a repository at GitHub that may be an account',
        [
          resource('gcp:serviceaccount/iAMMember:IAMMember', 'apply', {
            serviceAccountId: `projects/p/serviceAccounts/${emailOf('apply')}`,
            role: 'roles/iam.workloadIdentityUser',
            member: 'principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/github/*',
          }),
        ],
      ],
    ],
    breaks: [
      [
        'a flow without an account',
        [cluster, flow],
        'FlowDeployment flow-hello: account in the cluster is missing; make a kubernetes ServiceAccount flow-hello inside the component',
      ],
      [
        'an account that is called otherwise than the launcher calls it',
        [cluster, flow, pods('hello'), mayBe('hello')],
        'FlowDeployment flow-hello: account in the cluster is missing; make a kubernetes ServiceAccount flow-hello inside the component',
      ],
      [
        'an account that may not be who it says',
        [cluster, flow, pods('flow-hello')],
        'kubernetes ServiceAccount flow-hello: metadata.annotations["iam.gke.io/gcp-service-account"] is flow-hello@p.iam.gserviceaccount.com, which it may not be; grant roles/iam.workloadIdentityUser on that account to …svc.id.goog[millrace/flow-hello]',
      ],
      [
        'a grant for an account that is not there',
        [mayBe('flow-hello')],
        'serviceaccount.IAMMember flow-hello-workload-identity: member lets millrace/flow-hello in the cluster be flow-hello@p.iam.gserviceaccount.com, and no account of that name says that it is; make a kubernetes ServiceAccount with the annotation iam.gke.io/gcp-service-account, or remove the grant',
      ],
    ],
  },

  'kubernetes-names': {
    keeps: [
      ['a service', named('kubernetes:core/v1:Service', 'keda-operator')],
      [
        'a kind of its own',
        named('kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition', 'scaledobjects.keda.sh'),
      ],
      ['a role, which may be any word', named('kubernetes:rbac.authorization.k8s.io/v1:ClusterRole', 'system:keda')],
      ['a port', container({ ports: [{ name: 'http', containerPort: 8080 }] })],
      [
        'a name that the cluster makes',
        [resource('kubernetes:batch/v1:Job', 'My job', { metadata: { generateName: 'job-' } })],
      ],
      ['a name that Pulumi makes', [resource('kubernetes:core/v1:ConfigMap', 'settings')]],
    ],
    breaks: [
      [
        'a service that begins with a digit',
        named('kubernetes:core/v1:Service', '1agent'),
        'kubernetes Service x: metadata.name is "1agent"; use lower-case letters, digits and "-", 63 at most, a letter first, no "-" last',
      ],
      [
        'a deployment with "_"',
        named('kubernetes:apps/v1:Deployment', 'my_agent'),
        `kubernetes Deployment x: metadata.name is "my_agent"; ${LABEL}`,
      ],
      [
        'a cron job whose jobs would have too long a name',
        named('kubernetes:batch/v1:CronJob', 'a'.repeat(53)),
        `kubernetes CronJob x: metadata.name is "${'a'.repeat(53)}"; use lower-case letters, digits and "-", 52 at most, none of them "-" at the ends`,
      ],
      [
        'capitals',
        named('kubernetes:core/v1:ConfigMap', 'Settings'),
        'kubernetes ConfigMap x: metadata.name is "Settings"; use lower-case letters, digits, "-" and ".", 253 at most, a letter or digit at both ends of each part',
      ],
      [
        'a logical name that makes a bad one',
        [resource('kubernetes:core/v1:ConfigMap', 'my_settings')],
        'kubernetes ConfigMap my_settings: metadata.name is "my_settings-01234567"; use lower-case letters, digits, "-" and ".", 253 at most, a letter or digit at both ends of each part',
      ],
      ['a container with "_"', container({ name: 'my_agent' }), `${AT}.name is "my_agent"; ${LABEL}`],
      [
        'a port with too long a name',
        container({ ports: [{ name: 'metrics-endpoint' }] }),
        `${AT}.ports[0].name is "metrics-endpoint"; use lower-case letters, digits and "-", 15 at most, with a letter in it`,
      ],
    ],
  },

  quantities: {
    keeps: [
      ['CPUs and memory', amounts({ requests: { cpu: '500m', memory: '512Mi' }, limits: { cpu: '2', memory: '1Gi' } })],
      ['an amount in tens', amounts({ limits: { memory: '500M' } })],
      ['a number of CPUs', amounts({ limits: { cpu: 2 } })],
      ['a GPU', amounts({ limits: { 'nvidia.com/gpu': '1' } })],
      [
        'what a Cloud Run pool asks for',
        [
          resource('gcp:cloudrunv2/workerPool:WorkerPool', 'w', {
            template: { containers: [{ image: IMAGE, resources: { limits: { cpu: '1000m', memory: '2048Mi' } } }] },
          }),
        ],
      ],
    ],
    breaks: [
      [
        'a unit that is none',
        amounts({ limits: { memory: '512MB' } }),
        `${AT}.resources.limits.memory is "512MB"; write an amount with its unit: "512Mi", "4Gi"`,
      ],
      [
        'half a byte',
        amounts({ requests: { memory: '512m' } }),
        `${AT}.resources.requests.memory is "512m"; write an amount with its unit: "512Mi", "4Gi"`,
      ],
      [
        'an amount without its unit',
        amounts({ requests: { memory: '512' } }),
        `${AT}.resources.requests.memory is "512"; write an amount with its unit: "512Mi", "4Gi"`,
      ],
      [
        'CPUs in words',
        amounts({ requests: { cpu: '2 cores' } }),
        `${AT}.resources.requests.cpu is "2 cores"; write CPUs or thousandths: "2", "500m"`,
      ],
      [
        'a request above the limit',
        amounts({ requests: { memory: '1Gi' }, limits: { memory: '512Mi' } }),
        `${AT}.resources.requests.memory is more than the limit; raise the limit, or lower the request`,
      ],
    ],
  },
}
