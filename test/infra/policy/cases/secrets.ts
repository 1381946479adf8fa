import { type Planned, SecretValue, Unknown } from '../../../../infra/plan/planned-resource.ts'
import type { Cases } from '../cases.ts'
import { IMAGE, resource } from '../fragments.ts'

const version = (inputs: Parameters<typeof resource>[2]) => [
  resource('gcp:secretmanager/secretVersion:SecretVersion', 'token-v1', {
    secret: 's',
    deletionPolicy: 'DELETE',
    ...inputs,
  }),
]
const pool = (...envs: { [key: string]: string | SecretValue | { secretKeyRef: { secret: string } } }[]) => [
  resource('gcp:cloudrunv2/workerPool:WorkerPool', 'agent', { template: { containers: [{ image: IMAGE, envs }] } }),
]

const told = (...envs: readonly Planned[]) => [resource('docker:index/container:Container', 'c', { envs })]

export const secrets: Cases = {
  'secrets-marked': {
    keeps: [
      ['a marked value', version({ secretData: new SecretValue() })],
      ['a user without a password', [resource('gcp:sql/user:User', 'u', { name: 'a@p.iam' })]],
      [
        'marked data in the cluster',
        [resource('kubernetes:core/v1:Secret', 's', { stringData: { a: new SecretValue() } })],
      ],
    ],
    breaks: [
      [
        'a plain value',
        version({ secretData: 'hunter2' }),
        'secretmanager.SecretVersion token-v1: secretData is not marked as secret; wrap it in pulumi.secret(…)',
      ],
      [
        'a value that is known only later, and plain then',
        version({ secretData: new Unknown('id.hex') }),
        'secretmanager.SecretVersion token-v1: secretData is not marked as secret; wrap it in pulumi.secret(…)',
      ],
      [
        'a plain password of a user',
        [resource('gcp:sql/user:User', 'u', { password: 'hunter2' })],
        'sql.User u: password is not marked as secret; wrap it in pulumi.secret(…)',
      ],
      [
        'plain data in the cluster',
        [resource('kubernetes:core/v1:Secret', 's', { data: { password: 'aHVudGVyMg==' } })],
        'kubernetes Secret s: data.password is not marked as secret; wrap it in pulumi.secret(…)',
      ],
    ],
  },

  'secrets-not-shown': {
    keeps: [
      ['a password that a container of an engine is told', told('A=b', new SecretValue())],
      ['a value where it is kept', version({ secretData: new SecretValue() })],
      [
        'what a provider signs in with',
        [resource('pulumi:providers:kubernetes', 'k', { kubeconfig: new SecretValue() })],
      ],
    ],
    breaks: [
      [
        'a password in the command of a container of an engine',
        [resource('docker:index/container:Container', 'c', { command: [new SecretValue()] })],
        'Container c: command[0] shows a secret; put it into Secret Manager, and give the name of its version here',
      ],
      [
        'a value in an environment',
        pool({ name: 'SMTP', value: new SecretValue() }),
        'cloudrunv2.WorkerPool agent: template.containers[0].envs[0].value shows a secret; put it into Secret Manager, and give the name of its version here',
      ],
      [
        'a value in a label',
        [resource('gcp:storage/bucket:Bucket', 'b', { labels: { key: new SecretValue() } })],
        'storage.Bucket b: labels.key shows a secret; put it into Secret Manager, and give the name of its version here',
      ],
      [
        'a value among the outputs of the stack',
        { resources: [], outputs: { isProtected: true, password: new SecretValue() } },
        'Stack millrace-dev: output.password shows a secret; put it into Secret Manager, and give the name of its version here',
      ],
    ],
  },

  'no-secret-literals': {
    keeps: [
      ['a password of a container of an engine that is marked', told('POSTGRES_USER=millrace', new SecretValue())],
      [
        'the name of a version',
        pool({ name: 'MILLRACE_SECRETS', value: '{"token":"projects/7/secrets/token/versions/1"}' }),
      ],
      ['a secret that Cloud Run reads', pool({ name: 'API_TOKEN', valueSource: { secretKeyRef: { secret: 's' } } })],
      ['an address without a password', pool({ name: 'URL', value: 'https://example.org/a@b' })],
      [
        'a reference in place of a password',
        pool({ name: 'DB', value: 'postgres://app:secret://db-password@host/db' }),
      ],
    ],
    breaks: [
      [
        'a password of a container of an engine',
        told('POSTGRES_PASSWORD=hunter2'),
        'Container c: envs[0] writes out POSTGRES_PASSWORD; mark it as secret, or name it for what it is',
      ],
      [
        'a token that is written out',
        pool({ name: 'API_TOKEN', value: 'abc' }),
        'cloudrunv2.WorkerPool agent: template.containers[0].envs[0].value writes out API_TOKEN; take it from a secret (valueSource at Cloud Run, valueFrom in Kubernetes), or name it for what it is',
      ],
      [
        'a password in an address',
        pool({ name: 'DB', value: 'postgres://app:hunter2@10.0.0.3/db' }),
        'cloudrunv2.WorkerPool agent: template.containers[0].envs[0].value holds a password in an address; put it into Secret Manager',
      ],
      [
        'a private key in a file',
        [resource('gcp:storage/bucketObject:BucketObject', 'key', { content: '-----BEGIN RSA PRIVATE KEY-----\nMII' })],
        'storage.BucketObject key: content holds a private key; put it into Secret Manager',
      ],
      [
        'a token of GitHub in the environment of a pod',
        [
          resource('kubernetes:batch/v1:Job', 'j', {
            spec: {
              template: {
                spec: { containers: [{ name: 'j', env: [{ name: 'ARGS', value: `--with ghp_${'a1B2'.repeat(9)}` }] }] },
              },
            },
          }),
        ],
        'kubernetes Job j: spec.template.spec.containers[0].env[0].value holds a token of GitHub; put it into Secret Manager',
      ],
    ],
  },

  'secret-versions': {
    keeps: [
      ['one value', version({ secretData: new SecretValue() })],
      ['a write-only value with its number', version({ secretDataWo: new SecretValue(), secretDataWoVersion: 2 })],
    ],
    breaks: [
      [
        'a write-only value that would never change',
        version({ secretDataWo: new SecretValue() }),
        'secretmanager.SecretVersion token-v1: secretDataWoVersion is missing, so that a changed value is never sent; give a number, and raise it with the value',
      ],
      [
        'no value',
        version({}),
        'secretmanager.SecretVersion token-v1: secretData is missing; give one of secretData and secretDataWo',
      ],
      [
        'two values',
        version({ secretData: new SecretValue(), secretDataWo: new SecretValue(), secretDataWoVersion: 1 }),
        'secretmanager.SecretVersion token-v1: secretData is given beside secretDataWo; give one of secretData and secretDataWo',
      ],
      [
        'a version that goes without a word',
        [resource('gcp:secretmanager/secretVersion:SecretVersion', 'token-v1', { secretData: new SecretValue() })],
        'secretmanager.SecretVersion token-v1: deletionPolicy is missing, which destroys the value with the version; say "DELETE" where that is meant, else "DISABLE"',
      ],
    ],
  },
}
