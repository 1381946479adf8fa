import { describe, expect, it } from 'vitest'
import { faults } from '../../../infra/plan/check.ts'
import { type PlannedResource, SecretValue, Unknown } from '../../../infra/plan/planned-resource.ts'
import { component, planned, planOf } from './planned.ts'

const part = component('part')
const inside = { parent: part }
const found = (resources: readonly PlannedResource[], secretTexts: readonly string[] = []) =>
  faults(planOf(part, ...resources), secretTexts).map(({ urn, message }) => `${urn.split('::').at(-1)} ${message}`)

describe('the structure of a plan', () => {
  it('needs parents, dependencies and providers that are in it', () => {
    const gone = planned('gcp:compute/network:Network', 'gone', inside)
    const topic = planned('gcp:pubsub/topic:Topic', 'topic', {
      parent: component('lost'),
      dependencies: [gone.urn],
      provider: 'urn:pulumi:dev::millrace::pulumi:providers:gcp::elsewhere::?',
    })
    expect(found([topic])).toEqual([
      'topic has a parent that is not in the plan: millrace:infra:Part lost; declare it first',
      'topic has a provider that is not in the plan: pulumi:providers:gcp elsewhere; declare it first',
      'topic has a dependency that is not in the plan: gcp:compute/network:Network gone; declare it first',
    ])
  })

  it('lets components and providers stand by themselves, nothing else', () => {
    expect(found([planned('pulumi:providers:gcp', 'gcp')])).toEqual([])
    expect(found([planned('gcp:pubsub/topic:Topic', 'topic')])).toEqual([
      'topic has no parent; give it the component that it belongs to, { parent: this }',
    ])
  })
})

describe('encrypted values of the config', () => {
  const text = '(secret millrace:token)'
  const topic = (labels: PlannedResource['inputs']) => [
    planned('gcp:pubsub/topic:Topic', 'topic', { ...inside, inputs: { labels } }),
  ]

  it('may stand in a plan as secrets', () => {
    expect(found(topic({ key: new SecretValue() }), [text])).toEqual([])
  })

  it.each([
    ['as they are', text],
    ['in a longer text', `Bearer ${text}`],
    ['in base64', Buffer.from(text).toString('base64')],
    ['in a text that is not all known', new Unknown('database.host', `postgres://${text}@<database.host>`)],
  ])('may not stand in it %s', (_, key) => {
    expect(found(topic({ key }), [text])).toEqual([
      `topic labels.key holds ${text} of the config in plain text; mark it with pulumi.secret()`,
    ])
  })

  it('may not be outputs of a component', () => {
    expect(found([component('shows', { outputs: { token: text } })], [text])).toEqual([
      `shows output token holds ${text} of the config in plain text; mark it with pulumi.secret()`,
    ])
  })
})

describe('names that stand as text', () => {
  const secret = planned('gcp:secretmanager/secret:Secret', 'token', {
    ...inside,
    inputs: { secretId: 'token' },
    known: { id: 'projects/p/secrets/token', name: 'projects/42/secrets/token', project: 'p' },
  })
  const job = (inputs: PlannedResource['inputs'], ...dependencies: string[]) =>
    planned('gcp:cloudrunv2/job:Job', 'job', { ...inside, inputs, dependencies })

  it('may be of what the resource comes after', () => {
    expect(found([secret, job({ env: 'projects/p/secrets/token/versions/1' }, secret.urn)])).toEqual([])
    expect(found([secret, job({ secretKeyRef: { secret: 'token' } }, secret.urn)])).toEqual([])
  })

  it('may be of what another project has', () => {
    expect(found([secret, job({ env: 'projects/other/secrets/theirs' })])).toEqual([])
  })

  it.each([
    ['projects/p/secrets/tokn', 'secret tokn'],
    ['projects/42/secrets/tokn', 'secret tokn'],
    ['mailto:nobody@p.iam.gserviceaccount.com', 'service account nobody@p.iam.gserviceaccount.com'],
    ['gs://p-results/x', 'bucket p-results'],
    ['resource.name.startsWith("projects/_/buckets/p-results/objects/x")', 'bucket p-results'],
  ])('must be declared: %s', (env, thing) => {
    expect(found([secret, job({ env })])).toEqual([
      `job env names the ${thing}, which nothing declares; declare it, or correct the name`,
    ])
  })

  it('must come after what they name', () => {
    expect(found([secret, job({ secretKeyRef: { secret: 'token' } })])).toEqual([
      'job secretKeyRef.secret names the secret token as text, and so may be made before it; use an output of token, or dependsOn',
    ])
  })
})

describe('one thing in the cloud', () => {
  it('is declared once', () => {
    const bucket = (name: string, existing = false) =>
      planned('gcp:storage/bucket:Bucket', name, { ...inside, existing, known: { id: 'results' } })
    expect(found([bucket('a'), bucket('b')])).toEqual(['b is results, as a is already; give it another name'])
    expect(found([bucket('a'), bucket('looked-up', true)])).toEqual([])
  })

  it('may be in two clusters', () => {
    const provider = (name: string) => planned('pulumi:providers:kubernetes', name)
    const namespace = (name: string, cluster: string) =>
      planned('kubernetes:core/v1:Namespace', name, {
        ...inside,
        known: { id: 'millrace' },
        provider: `${provider(cluster).urn}::?`,
      })
    const clusters = [provider('one'), provider('two')]
    expect(found([...clusters, namespace('a', 'one'), namespace('b', 'two')])).toEqual([])
    expect(found([...clusters, namespace('a', 'one'), namespace('b', 'one')])).toHaveLength(1)
  })

  it('is granted once', () => {
    const grant = (name: string, condition?: string) =>
      planned('gcp:storage/bucketIAMMember:BucketIAMMember', name, {
        ...inside,
        inputs: {
          bucket: 'results',
          role: 'roles/storage.objectUser',
          member: 'group:a@example.org',
          ...(condition === undefined ? {} : { condition: { title: 'only', expression: condition } }),
        },
      })
    expect(found([grant('a'), grant('b')])).toEqual([
      'b grants roles/storage.objectUser on bucket results for group:a@example.org, as a is already; remove one',
    ])
    expect(found([grant('a', 'true'), grant('b', 'false')])).toEqual([])
  })
})
