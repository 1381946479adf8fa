import { type Planned, Unknown } from '../../../../infra/plan/planned-resource.ts'
import type { Cases } from '../cases.ts'
import { DIGEST, IMAGE, resource } from '../fragments.ts'

const pool = (image: Planned) => [
  resource('gcp:cloudrunv2/workerPool:WorkerPool', 'agent', { template: { containers: [{ image }] } }),
]
const pod = (spec: { [key: string]: Planned }) => [
  resource('kubernetes:apps/v1:Deployment', 'agent', { spec: { template: { spec } } }),
]
const FIX = 'name it by digest: IMAGE@sha256:…, 64 hexadecimal digits'
const volume = (labels: Readonly<Record<string, string>>) => [
  resource('docker:index/volume:Volume', 'data', {
    labels: Object.entries(labels).map(([label, value]) => ({ label, value })),
  }),
]
const LABELS = { stack: 'dev', 'managed-by': 'pulumi' }

export const runs: Cases = {
  'images-by-digest': {
    keeps: [
      ['a digest', pool(IMAGE)],
      [
        'the digest of what is yet to be built',
        pool(new Unknown('agent.digest', 'europe-west1-docker.pkg.dev/p/millrace/agent@<agent.digest>')),
      ],
      ['what cannot be seen yet', pool(new Unknown())],
      ['a digest from elsewhere', pod({ containers: [{ image: `ghcr.io/kedacore/keda@${DIGEST}` }] })],
      [
        'a digest in a setting',
        [resource('gcp:storage/bucketObject:BucketObject', 'o', { content: `{"image":"${IMAGE}"}` })],
      ],
      [
        'the address of a registry',
        pool(IMAGE).map((each) => ({ ...each, inputs: { registry: 'europe-west1-docker.pkg.dev/p/millrace' } })),
      ],
    ],
    breaks: [
      [
        'a tag that is yet to be made',
        pool(new Unknown('build.tag', 'europe-west1-docker.pkg.dev/p/millrace/agent:<build.tag>')),
        `cloudrunv2.WorkerPool agent: template.containers[0].image is known only later; ${FIX}`,
      ],
      [
        'a tag',
        pool('europe-west1-docker.pkg.dev/p/millrace/agent:v1'),
        `cloudrunv2.WorkerPool agent: template.containers[0].image is "europe-west1-docker.pkg.dev/p/millrace/agent:v1"; ${FIX}`,
      ],
      [
        'no tag',
        [resource('gcp:cloudrunv2/job:Job', 'j', { template: { template: { containers: [{ image: 'nginx' }] } } })],
        `cloudrunv2.Job j: template.template.containers[0].image is "nginx"; ${FIX}`,
      ],
      [
        'half a digest',
        pool('nginx@sha256:0123'),
        `cloudrunv2.WorkerPool agent: template.containers[0].image is "nginx@sha256:0123"; ${FIX}`,
      ],
      [
        'an image that is known only later',
        pool(new Unknown('build.ref')),
        `cloudrunv2.WorkerPool agent: template.containers[0].image is known only later; ${FIX}`,
      ],
      [
        'a tag of what runs before a pod',
        pod({ initContainers: [{ image: 'busybox:1' }], containers: [{ image: IMAGE }] }),
        `kubernetes Deployment agent: spec.template.spec.initContainers[0].image is "busybox:1"; ${FIX}`,
      ],
      [
        'a tag in an object that is made up by an extension',
        [
          resource('kubernetes:keda.sh/v1alpha1:ScaledJob', 'w', {
            spec: { jobTargetRef: { template: { spec: { containers: [{ image: 'worker:1' }] } } } },
          }),
        ],
        `kubernetes ScaledJob w: spec.jobTargetRef.template.spec.containers[0].image is "worker:1"; ${FIX}`,
      ],
      [
        'a tag in a setting',
        [
          resource('gcp:storage/bucketObject:BucketObject', 'o', {
            content: '{"image":"europe-west1-docker.pkg.dev/p/millrace/runtime:latest"}',
          }),
        ],
        `storage.BucketObject o: content is "europe-west1-docker.pkg.dev/p/millrace/runtime:latest"; ${FIX}`,
      ],
    ],
  },

  labelled: {
    keeps: [
      ['a bucket with both', [resource('gcp:storage/bucket:Bucket', 'b', { labels: LABELS })]],
      ['a volume, whose labels are a list', volume({ stack: 'dev', 'managed-by': 'pulumi' })],
      [
        'a cluster, whose labels have another name',
        [resource('gcp:container/cluster:Cluster', 'c', { resourceLabels: LABELS })],
      ],
      [
        'a database',
        [resource('gcp:sql/databaseInstance:DatabaseInstance', 'd', { settings: { userLabels: LABELS } })],
      ],
      [
        'an object in the cluster, in its own words',
        [
          resource('kubernetes:core/v1:Service', 's', {
            metadata: { labels: { stack: 'dev', 'app.kubernetes.io/managed-by': 'pulumi' } },
          }),
        ],
      ],
      ['what takes no labels', [resource('gcp:compute/network:Network', 'n', {})]],
      ['labels that are known only later', [resource('gcp:storage/bucket:Bucket', 'b', { labels: new Unknown() })]],
    ],
    breaks: [
      [
        'a volume of another stack',
        volume({ stack: 'prod', 'managed-by': 'pulumi' }),
        'Volume data: labels.stack is "prod"; set it to "dev"',
      ],
      [
        'a bucket that does not say what manages it',
        [resource('gcp:storage/bucket:Bucket', 'b', { labels: { stack: 'dev' } })],
        'storage.Bucket b: labels.managed-by is missing; set it to "pulumi"',
      ],
      [
        'the label of another stack',
        [resource('gcp:pubsub/topic:Topic', 't', { labels: { ...LABELS, stack: 'prod' } })],
        'pubsub.Topic t: labels.stack is "prod"; set it to "dev"',
      ],
      [
        'machines of a pool',
        [
          resource('gcp:container/nodePool:NodePool', 'p', {
            nodeConfig: { labels: LABELS, resourceLabels: { 'managed-by': 'pulumi' } },
          }),
        ],
        'container.NodePool p: nodeConfig.resourceLabels.stack is missing; set it to "dev"',
      ],
      [
        'a channel whose settings look like labels',
        [
          resource('gcp:monitoring/notificationChannel:NotificationChannel', 'c', {
            labels: LABELS,
            userLabels: { stack: 'dev' },
          }),
        ],
        'monitoring.NotificationChannel c: userLabels.managed-by is missing; set it to "pulumi"',
      ],
      [
        'an object in the cluster',
        [resource('kubernetes:apps/v1:Deployment', 'd', { metadata: { labels: { 'managed-by': 'pulumi' } } })],
        'kubernetes Deployment d: metadata.labels.stack is missing; set it to "dev"',
      ],
    ],
  },

  'valid-labels': {
    keeps: [
      [
        'lower case, digits, "_" and "-"',
        [resource('gcp:storage/bucket:Bucket', 'b', { labels: { ...LABELS, a_b: '0-x_', empty: '' } })],
      ],
      [
        'dots and slashes in the cluster',
        [
          resource('kubernetes:apps/v1:Deployment', 'd', {
            metadata: { labels: { 'app.kubernetes.io/name': 'Keda.Operator_1' } },
          }),
        ],
      ],
    ],
    breaks: [
      [
        'capitals',
        [resource('gcp:storage/bucket:Bucket', 'b', { labels: { owner: 'Hydrology' } })],
        'storage.Bucket b: labels.owner is "Hydrology", which is refused; use lower-case letters, digits, "_" and "-", 63 at most; a key begins with a letter',
      ],
      [
        'a dot in a version, deep in a template',
        [resource('gcp:cloudrunv2/service:Service', 's', { template: { labels: { version: '1.2' } } })],
        'cloudrunv2.Service s: template.labels.version is "1.2", which is refused; use lower-case letters, digits, "_" and "-", 63 at most; a key begins with a letter',
      ],
      [
        'a key that begins with a digit',
        [resource('gcp:storage/bucket:Bucket', 'b', { labels: { '1st': 'x' } })],
        'storage.Bucket b: labels.1st has a key that is refused; use lower-case letters, digits, "_" and "-", 63 at most; a key begins with a letter',
      ],
      [
        'a label of a pod that ends in a dash',
        [
          resource('kubernetes:apps/v1:Deployment', 'd', {
            spec: { template: { metadata: { labels: { version: 'v1-' } } } },
          }),
        ],
        'kubernetes Deployment d: spec.template.metadata.labels.version is "v1-", which is refused; use letters, digits, "-", "_" and ".", 63 at most, a letter or digit at both ends',
      ],
      [
        'more labels than Google takes',
        [
          resource('gcp:storage/bucket:Bucket', 'b', {
            labels: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`l${index}`, 'x'])),
          }),
        ],
        'storage.Bucket b: labels has more than 64 labels; remove some',
      ],
    ],
  },
}
