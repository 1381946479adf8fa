import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BOOTSTRAP_APIS, fullName } from '../../../platform/release/bootstrap/apis.ts'
import {
  applicationDefault,
  type BootstrapPlace,
  checkPlace,
  google,
  planBootstrap,
} from '../../../platform/release/bootstrap/bootstrap.ts'
import { refuse } from '../../fakes/google-cloud/answers.ts'
import type { ProjectOptions } from '../../fakes/google-cloud/project.ts'
import { fakeGoogleCloud, type GoogleCloudFake } from '../../fakes/google-cloud.ts'
import { serve } from '../../fakes/serve.ts'

const PLACE: BootstrapPlace = {
  project: 'example-dev',
  region: 'europe-west1',
  stack: 'dev',
  bucket: 'example-dev-pulumi-state',
}
const RING = 'projects/example-dev/locations/europe-west1/keyRings/pulumi'
const KEY = `${RING}/cryptoKeys/state`
const APPLY = 'github-apply@example-dev.iam.gserviceaccount.com'
const PREVIEW = 'github-preview@example-dev.iam.gserviceaccount.com'
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token'
const NOW = Date.UTC(2026, 10, 25)
const PROXY = 'have Google make the account of Identity-Aware Proxy, where it is not there yet'

let cloud: GoogleCloudFake
let paused: number[]
const given = async (options: Partial<ProjectOptions> = {}): Promise<void> => {
  await cloud?.close()
  cloud = await fakeGoogleCloud({ project: PLACE.project, ...options })
}
beforeEach(() => {
  paused = []
  return given()
})
afterEach(() => cloud.close())

/** As it is with nobody waiting: the fake needs no time. */
const client = () =>
  google({
    project: PLACE.project,
    endpoint: cloud.endpoint,
    credentials: async () => new Headers({ authorization: 'Bearer test' }),
    pause: async (ms) => paused.push(ms),
  })
const look = (place = PLACE) => planBootstrap(client(), place, NOW)
async function bootstrap(): Promise<void> {
  for (const { run } of (await look()).steps) await run()
}

describe('a bootstrap of a new project', () => {
  it('says what it will do, and does nothing by looking', async () => {
    const { there, steps } = await look()
    expect(there).toEqual(['1 of 19 APIs, switched on'])
    expect(steps.map(({ what }) => what)).toEqual([
      `switch on 18 APIs: ${BOOTSTRAP_APIS.filter((api) => api !== 'storage').join(', ')}`,
      'make the bucket gs://example-dev-pulumi-state in europe-west1: it will keep what is overwritten, let IAM alone decide who may, be closed to the public',
      `make the key ring ${RING}`,
      `make the key ${KEY}: it will have a new version every 90 days; the old ones stay, to decrypt`,
      `make the account ${APPLY}`,
      `make the account ${PREVIEW}`,
      `give ${APPLY} roles/storage.objectUser on the bucket gs://${PLACE.bucket}`,
      `give ${APPLY} roles/cloudkms.cryptoKeyEncrypterDecrypter on the key ${KEY}`,
      `give ${PREVIEW} roles/storage.objectViewer on the bucket gs://${PLACE.bucket}`,
      `give ${PREVIEW} roles/cloudkms.cryptoKeyDecrypter on the key ${KEY}`,
      PROXY,
    ])
    expect(cloud.changes).toEqual([])
  })

  it('does what it said', async () => {
    await bootstrap()
    const { on, buckets, keyRings, keys, accounts, policies } = cloud.project
    for (const api of BOOTSTRAP_APIS) expect(on).toContain(fullName(api))
    expect(buckets.get(PLACE.bucket)).toMatchObject({
      location: 'EUROPE-WEST1',
      versioning: { enabled: true },
      iamConfiguration: { uniformBucketLevelAccess: { enabled: true }, publicAccessPrevention: 'enforced' },
      labels: { app: 'millrace', stack: 'dev', component: 'pulumi-state', 'managed-by': 'bootstrap' },
    })
    expect([...keyRings]).toEqual([RING])
    expect(keys.get(KEY)).toMatchObject({
      purpose: 'ENCRYPT_DECRYPT',
      rotationPeriod: '7776000s',
      nextRotationTime: '2027-02-23T00:00:00.000Z',
    })
    expect([...accounts.keys()]).toEqual([APPLY, PREVIEW])
    expect(policies.get(PLACE.bucket)?.bindings).toEqual([
      { role: 'roles/storage.objectUser', members: [`serviceAccount:${APPLY}`] },
      { role: 'roles/storage.objectViewer', members: [`serviceAccount:${PREVIEW}`] },
    ])
    expect(policies.get(KEY)?.bindings).toEqual([
      { role: 'roles/cloudkms.cryptoKeyEncrypterDecrypter', members: [`serviceAccount:${APPLY}`] },
      { role: 'roles/cloudkms.cryptoKeyDecrypter', members: [`serviceAccount:${PREVIEW}`] },
    ])
    expect(cloud.changes.at(-1)).toBe(
      'POST serviceusage.googleapis.com/v1beta1/projects/example-dev/services/iap.googleapis.com:generateServiceIdentity',
    )
  })

  it('does nothing a second time but ask for what it cannot see', async () => {
    await bootstrap()
    const { there, steps } = await look()
    expect(steps.map(({ what }) => what)).toEqual([PROXY])
    expect(there).toEqual([
      '19 of 19 APIs, switched on',
      'the bucket gs://example-dev-pulumi-state, in europe-west1',
      `the key ring ${RING}`,
      `the key ${KEY}`,
      `the account ${APPLY}`,
      `the account ${PREVIEW}`,
      `${APPLY} has roles/storage.objectUser on the bucket gs://${PLACE.bucket}`,
      `${APPLY} has roles/cloudkms.cryptoKeyEncrypterDecrypter on the key ${KEY}`,
      `${PREVIEW} has roles/storage.objectViewer on the bucket gs://${PLACE.bucket}`,
      `${PREVIEW} has roles/cloudkms.cryptoKeyDecrypter on the key ${KEY}`,
    ])
    const before = cloud.changes.length
    await bootstrap()
    expect(cloud.changes.length).toBe(before + 1)
  })

  it('waits for an API that does not answer yet, and for operations', async () => {
    await given({ apiAnswersAfter: 3, operationTakes: 4 })
    await bootstrap()
    expect((await look()).steps.map(({ what }) => what)).toEqual([PROXY])
  })

  it('does not wait for ever', async () => {
    await given({ apiAnswersAfter: Number.POSITIVE_INFINITY })
    await expect(bootstrap()).rejects.toThrow(
      `cannot make the key ring ${RING}: cloudkms.googleapis.com is not switched on in the project example-dev`,
    )
    expect(paused.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(310_000)
    await given({ operationTakes: Number.POSITIVE_INFINITY })
    await expect(bootstrap()).rejects.toThrow('it takes longer than ten minutes (504)')
  })

  it('waits for an account that is not known everywhere yet', async () => {
    await given({ accountKnownAfter: 2 })
    await bootstrap()
    expect(cloud.project.policies.get(KEY)?.bindings).toHaveLength(2)
  })

  it('goes on where one before it was cut off', async () => {
    const { steps } = await look()
    for (const { run } of steps.slice(0, 4)) await run()
    await bootstrap()
    expect((await look()).steps.map(({ what }) => what)).toEqual([PROXY])
  })
})

describe('a bootstrap of a project with something in it', () => {
  beforeEach(async () => {
    await bootstrap()
    paused = []
  })

  it('mends a bucket that was made by hand', async () => {
    cloud.project.buckets.set(PLACE.bucket, {
      location: 'EU',
      projectNumber: cloud.project.number,
      labels: { of: 'ada' },
    })
    const { there, steps } = await look()
    expect(there).toContain('the bucket gs://example-dev-pulumi-state, in eu')
    expect(steps.map(({ what }) => what)).toEqual([
      'have the bucket gs://example-dev-pulumi-state keep what is overwritten',
      'have the bucket gs://example-dev-pulumi-state let IAM alone decide who may',
      'have the bucket gs://example-dev-pulumi-state be closed to the public',
      PROXY,
    ])
    await bootstrap()
    expect(cloud.project.buckets.get(PLACE.bucket)).toEqual({
      location: 'EU',
      projectNumber: cloud.project.number,
      labels: { of: 'ada' },
      versioning: { enabled: true },
      iamConfiguration: { uniformBucketLevelAccess: { enabled: true }, publicAccessPrevention: 'enforced' },
    })
  })

  it('lets a key that stays the same for ever change from now on', async () => {
    cloud.project.keys.set(KEY, { purpose: 'ENCRYPT_DECRYPT', primary: { state: 'ENABLED' } })
    expect((await look()).steps.map(({ what }) => what)).toContain(`have a new version of the key ${KEY} every 90 days`)
    await bootstrap()
    expect(cloud.project.keys.get(KEY)).toMatchObject({ rotationPeriod: '7776000s' })
  })

  it('keeps the grants of others, also those with a condition', async () => {
    const conditional = {
      role: 'roles/storage.objectUser',
      members: [`serviceAccount:${APPLY}`],
      condition: { title: 'until noon', expression: 'request.time < timestamp("2026-11-25T12:00:00Z")' },
    }
    const plain = { role: 'roles/storage.objectUser', members: ['user:ada@example.org'] }
    cloud.project.policies.set(PLACE.bucket, { etag: 'e7', bindings: [conditional, plain] })
    await bootstrap()
    expect(cloud.project.policies.get(PLACE.bucket)?.bindings).toEqual([
      conditional,
      { role: 'roles/storage.objectUser', members: ['user:ada@example.org', `serviceAccount:${APPLY}`] },
      { role: 'roles/storage.objectViewer', members: [`serviceAccount:${PREVIEW}`] },
    ])
  })

  it.each([
    ['bucket', PLACE.bucket],
    ['key', KEY],
  ])('reads the policy of the %s again when somebody else changed it meanwhile', async (_what, name) => {
    cloud.project.policies.delete(name)
    const { steps } = await look()
    cloud.project.contended.add(name)
    for (const { run } of steps) await run()
    const members = cloud.project.policies.get(name)?.bindings.flatMap((each) => each.members)
    expect(members?.toSorted()).toEqual([
      `serviceAccount:${APPLY}`,
      `serviceAccount:${PREVIEW}`,
      'user:grace@example.org',
    ])
  })

  it.each(['that is closed to us', 'that we may use'])(
    'does not put the state into a bucket of another project, %s',
    async (kind) => {
      if (kind === 'that we may use') cloud.project.shared.add(PLACE.bucket)
      cloud.project.buckets.set(PLACE.bucket, { location: 'US', projectNumber: '999' })
      await expect(look()).rejects.toThrow(
        'cannot use the bucket gs://example-dev-pulumi-state: it is not in the project example-dev, or you lack the permission storage.buckets.get there',
      )
    },
  )

  it.each([
    [{ purpose: 'ASYMMETRIC_SIGN' }, 'is there, but is for ASYMMETRIC_SIGN'],
    [{ purpose: 'ENCRYPT_DECRYPT' }, 'is there, but its version in use is missing'],
    [
      { purpose: 'ENCRYPT_DECRYPT', primary: { state: 'DESTROY_SCHEDULED' } },
      'is there, but its version in use is DESTROY_SCHEDULED: nothing can be encrypted with it',
    ],
  ])('does not encrypt with a key that cannot: %o', async (key, message) => {
    cloud.project.keys.set(KEY, key)
    await expect(look()).rejects.toThrow(`the key ${KEY} ${message}`)
  })
})

describe('when Google does not do it', () => {
  const SERVICES = /serviceusage.*batchEnable/
  const BUSY = refuse(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded.')

  it.each([
    [503, refuse(503, 'UNAVAILABLE', 'The service is currently unavailable.')],
    [500, refuse(500, 'INTERNAL', 'Internal error encountered.')],
    [429, BUSY],
    [502, { status: 502, body: '<html>Bad Gateway</html>' }],
  ])('tries again after %i', async (_status, answer) => {
    for (const match of [
      SERVICES,
      /POST storage/,
      /keyRings$/,
      /cryptoKeys$/,
      /serviceAccounts$/,
      /setIamPolicy/,
      /PUT/,
    ]) {
      cloud.failNext(match, answer, 2)
    }
    await bootstrap()
    expect((await look()).steps.map(({ what }) => what)).toEqual([PROXY])
  })

  it('waits longer each time, and as long as it is told', async () => {
    cloud.failNext(/batchGet/, BUSY, 3)
    await look()
    expect(paused).toEqual([500, 1000, 2000])
    paused = []
    cloud.failNext(/batchGet/, { ...BUSY, headers: { 'retry-after': '7' } })
    await look()
    expect(paused).toEqual([7000])
  })

  it('gives up in the end, and says that nothing is lost', async () => {
    cloud.failNext(/batchGet/, BUSY, 6)
    await expect(look()).rejects.toMatchObject({
      name: 'UserError',
      message: 'cannot see which APIs of example-dev are on: Quota exceeded. (429)',
      hint: 'What was done stays done: run it again in a while.',
    })
  })

  it.each([
    ['the bucket', /POST storage/],
    ['the key ring', /keyRings$/],
    ['the key', /cryptoKeys$/],
    ['an account', /serviceAccounts$/],
    ['a grant on the bucket', /PUT storage/],
    ['a grant on the key', /setIamPolicy/],
    ['the APIs', SERVICES],
  ])('makes %s once also when the answer was lost on the way', async (_what, match) => {
    cloud.loseAnswer(match)
    await bootstrap()
    expect((await look()).steps.map(({ what }) => what)).toEqual([PROXY])
    expect(cloud.project.accounts.size).toBe(2)
  })

  it('does not take a bucket that somebody else made in the meantime', async () => {
    const { steps } = await look()
    cloud.project.buckets.set(PLACE.bucket, { location: 'US', projectNumber: '999' })
    await expect(steps[1]?.run()).rejects.toThrow('cannot use the bucket gs://example-dev-pulumi-state: it is not in')
  })

  it('says that Google cannot be reached', async () => {
    await cloud.close()
    await expect(look()).rejects.toMatchObject({
      name: 'UserError',
      message: expect.stringMatching(
        /^cannot see which APIs of example-dev are on: serviceusage\.googleapis\.com does not answer: connect ECONNREFUSED/,
      ),
    })
    cloud = await fakeGoogleCloud({ project: PLACE.project })
  })

  it.each([
    ['serviceusage.services.get', 'cannot see which APIs of example-dev are on'],
    ['serviceusage.services.enable', 'cannot switch on APIs'],
    ['storage.buckets.create', `cannot make the bucket gs://${PLACE.bucket}`],
    ['cloudkms.keyRings.create', `cannot make the key ring ${RING}`],
    ['cloudkms.cryptoKeys.create', `cannot make the key ${KEY}`],
    ['iam.serviceAccounts.create', `cannot make the account ${APPLY}`],
    [
      'storage.buckets.setIamPolicy',
      `cannot give ${APPLY} roles/storage.objectUser on the bucket gs://${PLACE.bucket}`,
    ],
    [
      'cloudkms.cryptoKeys.setIamPolicy',
      `cannot give ${APPLY} roles/cloudkms.cryptoKeyEncrypterDecrypter on the key .*`,
    ],
  ])('names the permission that is missing: %s', async (permission, cannot) => {
    await given({ denied: [permission] })
    await expect(bootstrap()).rejects.toMatchObject({
      name: 'UserError',
      message: expect.stringMatching(
        new RegExp(
          `^${cannot}: you lack the permission ${permission.replaceAll('.', '\\.')} in the project example-dev$`,
        ),
      ),
      hint: expect.stringContaining('Ask an owner of the project for it'),
    })
  })

  it.each(['at once', 'in the end'] as const)(
    'says that the project has no billing account, %s',
    async (withoutBilling) => {
      await given({ withoutBilling })
      await expect(bootstrap()).rejects.toMatchObject({
        message: 'cannot switch on APIs: the project example-dev has no billing account',
        hint: 'Link one: gcloud billing projects link example-dev --billing-account ACCOUNT',
      })
    },
  )

  it('says that there is no such project', async () => {
    await given({ project: 'example-other' })
    await expect(look()).rejects.toThrow(
      'cannot see which APIs of example-dev are on: there is no project "example-dev", or it is not yours to see',
    )
  })

  it('says how to switch on the API by which it switches on APIs', async () => {
    await given({ on: [] })
    await expect(look()).rejects.toMatchObject({
      message:
        'cannot see which APIs of example-dev are on: serviceusage.googleapis.com is not switched on in the project example-dev',
      hint: 'Switch it on: gcloud services enable serviceusage.googleapis.com --project example-dev',
    })
  })

  it('says to log in', async () => {
    cloud.failNext(/batchGet/, refuse(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.'))
    await expect(look()).rejects.toMatchObject({
      message: 'cannot see which APIs of example-dev are on: Google does not know who asks',
      hint: 'Log in: gcloud auth application-default login',
    })
  })
})

describe('the login of this machine', () => {
  afterEach(() => vi.unstubAllEnvs())

  it('says who asks, and that the project itself is to be charged', async () => {
    const asked: string[] = []
    const tokens = await serve(({ body }) => {
      asked.push(new URLSearchParams(body.toString()).get('subject_token') ?? '')
      const token = { access_token: 'ya29.test', token_type: 'Bearer', expires_in: 3600, issued_token_type: TOKEN_TYPE }
      return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(token) }
    })
    const folder = mkdtempSync(join(tmpdir(), 'millrace-login-'))
    const file = join(folder, 'login.json')
    writeFileSync(join(folder, 'subject'), 'ada')
    writeFileSync(
      file,
      JSON.stringify({
        type: 'external_account',
        audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        token_url: `${tokens.endpoint}/v1/token`,
        credential_source: { file: join(folder, 'subject') },
      }),
    )
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', file)
    const headers = await applicationDefault('example-dev')('https://storage.googleapis.com/storage/v1/b')
    expect(headers.get('authorization')).toBe('Bearer ya29.test')
    expect(headers.get('x-goog-user-project')).toBe('example-dev')
    expect(asked).toEqual(['ada'])
    await tokens.close()
    rmSync(folder, { recursive: true })
  })
})

it.each([
  [{ project: 'Example' }, '--project: expected the id of a project such as "example-millrace-dev", got "Example"'],
  [{ project: '123456789012' }, '--project: expected the id of a project'],
  [{ region: 'europe' }, '--region: expected a region such as "europe-west1", got "europe"'],
  [{ region: 'europe-west1-b' }, '--region: expected a region'],
  [{ stack: 'Dev' }, '--stack: expected the name of a stack such as "dev", got "Dev"'],
  [{ bucket: 'gs://x' }, '--bucket: expected the name of a bucket'],
])('a wrong option is said before anything is asked: %o', (wrong, message) => {
  expect(() => checkPlace({ ...PLACE, ...wrong })).toThrow(message)
})
