import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Launcher } from '../../../platform/agents/launcher.ts'
import { cancelPatch } from '../../../platform/agents/launchers/kubernetes/phase.ts'
import { kubernetesLauncher } from '../../../platform/agents/launchers/kubernetes.ts'
import { answerOf, fakeKubernetes, type KubernetesFake, type Trouble } from '../../fakes/kubernetes/api-server.ts'
import type { Cluster } from '../../fakes/kubernetes/cluster.ts'
import { applyJsonPatch } from '../../fakes/kubernetes/json-patch.ts'
import { Refusal } from '../../fakes/kubernetes/refusal.ts'
import { specOf } from '../../fakes/kubernetes/specs.ts'

let fake: KubernetesFake
let cluster: Cluster
let launcher: Launcher
beforeEach(async () => {
  fake = await fakeKubernetes()
  cluster = fake.cluster
  launcher = kubernetesLauncher({ kubeConfig: fake.kubeConfig, stack: 'test' })
})
afterEach(() => fake.close())

/** The error of a launch whose nth request goes wrong. */
async function errorOf(trouble: Trouble, at = 0): Promise<Error> {
  let requests = 0
  fake.trouble = () => (requests++ === at ? trouble : undefined)
  const error: unknown = await launcher.launch(specOf({ workers: { count: 1 } })).catch((error) => error)
  fake.trouble = undefined
  if (!(error instanceof Error)) throw new Error(`launched: ${error}`)
  return error
}

describe('a launch', () => {
  it('needs an image that can be no other tomorrow', async () => {
    for (const image of [undefined, 'registry.example/millrace/flow-hello:latest']) {
      const { image: _image, ...spec } = specOf()
      const launched = launcher.launch({ ...spec, ...(image && { image }) })
      await expect(launched).rejects.toMatchObject({ kind: 'refused', message: /needs an image by its digest/ })
    }
    expect(fake.requests).toEqual([])
  })

  it('that is cancelled while it is being made never starts, workers included', async () => {
    const spec = specOf({ workers: { count: 2 } })
    // Just before its workers are made, and just before it is to start. Whoever cancels it found no workers to stop.
    for (let at = 1; at <= 2; at++) {
      let changes = 0
      fake.trouble = (verb) => {
        if (verb !== 'get' && changes++ === at) {
          cluster.changeJob(spec.name, (job) => applyJsonPatch(job, cancelPatch()))
        }
        return undefined
      }
      const handle = await launcher.launch(spec)
      fake.trouble = undefined
      expect(changes).toBeGreaterThan(at)
      expect(await launcher.status(handle)).toEqual({ state: 'failed', reason: 'cancelled' })
      expect(cluster.pods.size).toBe(0)
      await launcher.remove(handle)
    }
  })

  it('takes nothing for its own that is not', async () => {
    const spec = specOf()
    await launcher.launch({ ...specOf({ run: 'another' }), name: spec.name })
    await expect(launcher.launch(spec)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(`there is a job ${spec.name} already`),
    })
  })

  it('waits for an earlier job of its name to be gone', async () => {
    const spec = specOf()
    const job = cluster.readJob(await launcher.launch(spec))
    job.metadata.deletionTimestamp = cluster.now
    await expect(launcher.launch(spec)).rejects.toMatchObject({ kind: 'busy', message: /still being deleted/ })
  })

  it('waits for the workers of an earlier job of its name to be gone', async () => {
    const spec = specOf({ workers: { count: 1 } })
    await launcher.launch(spec)
    // Garbage collection has not come to them yet.
    cluster.jobs.delete(spec.name)
    await expect(launcher.launch(spec)).rejects.toMatchObject({
      kind: 'busy',
      message: /workers .* still being deleted/,
    })
    expect(await launcher.status(spec.name)).toMatchObject({ state: 'waiting' })
    cluster.deleteJob(`${spec.name}-workers`)
    await launcher.launch(spec)
    expect(await launcher.status(spec.name)).toEqual({ state: 'running' })
  })

  it('leaves nothing behind when its workers are refused', async () => {
    const error = await errorOf(answerOf(new Refusal(422, 'Invalid', 'Job.batch "x" is invalid: too many')), 1)
    expect(error).toMatchObject({ kind: 'refused', message: expect.stringContaining('too many') })
    expect(cluster.jobs.size).toBe(0)
  })

  it('shows what the API has against it', async () => {
    await expect(launcher.launch(specOf({ flow: 'not a label!' }))).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('metadata.labels: Invalid value: "not a label!"'),
    })
  })

  it('says that the namespace is not there', async () => {
    const elsewhere = kubernetesLauncher({ kubeConfig: fake.kubeConfig, stack: 'test', namespace: 'nowhere' })
    await expect(elsewhere.launch(specOf())).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('namespaces "nowhere" not found'),
    })
  })
})

describe('what goes wrong', () => {
  const quota =
    'jobs.batch "x" is forbidden: exceeded quota: jobs, requested: count/jobs.batch=1, used: 10, limited: 10'
  const webhook = 'jobs.batch "x" is forbidden: ValidatingAdmissionPolicy "p" denied the request: no such image'
  const google = "Permission 'container.clusters.connect' denied on resource 'projects/p/locations/l/clusters/c'"
  const cases: [what: string, trouble: Trouble, kind: string, words: string, after?: number][] = [
    ['a quota', answerOf(new Refusal(403, 'Forbidden', quota)), 'busy', 'exceeded quota'],
    ['admission', answerOf(new Refusal(403, 'Forbidden', webhook)), 'refused', 'no such image'],
    ['a permission of Google', answerOf(new Refusal(403, 'Forbidden', google)), 'denied', 'container.clusters.connect'],
    ['who asks', answerOf(new Refusal(401, 'Unauthorized', 'Unauthorized')), 'denied', 'Unauthorized'],
    ['a conflict', answerOf(new Refusal(409, 'Conflict', 'the object has been modified')), 'busy', 'modified'],
    [
      'a storm',
      { status: 429, headers: { 'retry-after': '3', 'content-type': 'text/plain' }, body: 'Too many requests' },
      'busy',
      'Too many requests',
      3000,
    ],
    ['etcd', answerOf(new Refusal(500, 'InternalError', 'etcdserver: request timed out')), 'busy', 'request timed out'],
    [
      'a time-out',
      answerOf(new Refusal(504, 'Timeout', 'Timeout: request did not complete', { retryAfterSeconds: 5 })),
      'busy',
      'did not complete',
      5000,
    ],
    [
      'something before the API',
      { status: 502, headers: { 'content-type': 'text/html' }, body: '<h1>Bad Gateway</h1>' },
      'busy',
      'Bad Gateway',
    ],
    ['no words at all', { status: 503, headers: { 'content-type': 'text/plain' } }, 'busy', 'HTTP status 503'],
    [
      'half an answer',
      { status: 201, headers: { 'content-type': 'application/json' }, body: '{"kind":"Job"', breakAfter: 5 },
      'busy',
      'cannot create the job',
    ],
    ['no JSON', { status: 201, headers: { 'content-type': 'application/json' }, body: 'hello' }, 'busy', 'not JSON'],
  ]
  for (const [what, trouble, kind, words, after] of cases) {
    it(`is ${kind} because of ${what}`, async () => {
      const error = await errorOf(trouble)
      expect(error).toMatchObject({ name: 'LaunchError', kind, message: expect.stringContaining(words) })
      expect((error as { after?: number }).after).toBe(after)
      expect(error.message).toMatch(/^kubernetes: cannot create the job millrace-/)
      expect(error.message).not.toMatch(/Headers|HTTP-Code/)
    })
  }

  it('names the verb and the resource that are missing, whatever was asked', async () => {
    const handle = await launcher.launch(specOf())
    fake.rights.clear()
    const denied = (verb: string, resource: string) => ({
      kind: 'denied',
      message: expect.stringContaining(`cannot ${verb} resource "${resource}"`),
    })
    await expect(launcher.launch(specOf())).rejects.toMatchObject(denied('create', 'jobs'))
    await expect(launcher.status(handle)).rejects.toMatchObject(denied('get', 'jobs'))
    await expect(launcher.cancel(handle)).rejects.toMatchObject(denied('patch', 'jobs'))
    await expect(launcher.remove(handle)).rejects.toMatchObject(denied('delete', 'jobs'))
    await expect(launcher.list()).rejects.toMatchObject(denied('list', 'jobs'))
  })

  it('is busy when nothing listens, and says so', async () => {
    const { endpoint } = fake
    await fake.close()
    await expect(launcher.list()).rejects.toMatchObject({
      kind: 'busy',
      message: expect.stringContaining('ECONNREFUSED'),
    })
    expect(launcher.place).toBe(`kubernetes ${endpoint} millrace`)
    fake = await fakeKubernetes()
  })

  it('never shows credentials', async () => {
    const config = new KubeConfig()
    config.loadFromOptions({
      clusters: [{ name: 'c', server: fake.endpoint, skipTLSVerify: true }],
      users: [
        { name: 'u', exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'echo', args: ['very-secret'] } },
      ],
      contexts: [{ name: 'c', cluster: 'c', user: 'u' }],
      currentContext: 'c',
    })
    const error = await kubernetesLauncher({ kubeConfig: config, stack: 'test' })
      .list()
      .catch((error: Error) => error)
    expect(error).toMatchObject({ name: 'LaunchError', kind: 'busy' })
    expect(JSON.stringify([String(error), (error as Error).stack, (error as Error).cause])).not.toContain('very-secret')
  })

  it('is plain where there is no cluster to ask', () => {
    expect(() => kubernetesLauncher({ kubeConfig: new KubeConfig(), stack: 'test' })).toThrow(/no current context/)
  })
})

describe('lists', () => {
  it('are read page by page to their end', async () => {
    const handles = new Set<string>()
    for (let each = 0; each < 1201; each++) handles.add(await copy(each))
    const found = await launcher.list()
    expect(new Set(found.map(({ handle }) => handle))).toEqual(handles)
    expect(found.every(({ status }) => status.state === 'running')).toBe(true)
    expect(fake.requests.filter((each) => each === 'GET jobs')).toHaveLength(3)
  })

  it('are begun again where a page came too late', async () => {
    for (let each = 0; each < 600; each++) await copy(each)
    let late = 1
    fake.trouble = (verb, resource) => {
      if (verb === 'list' && resource === 'jobs' && late-- === 0) fake.expireLists()
      return undefined
    }
    expect(await launcher.list()).toHaveLength(600)
    expect(fake.requests.filter((each) => each === 'GET jobs')).toHaveLength(4)
  })

  it('are empty, with one request, where there are no jobs', async () => {
    expect(await launcher.list()).toEqual([])
    expect(fake.requests).toEqual(['GET jobs'])
  })

  let template: { name: string; launched: Promise<string> } | undefined
  /** A job like one that was launched. */
  async function copy(each: number): Promise<string> {
    if (each === 0) template = undefined
    template ??= { name: '', launched: launcher.launch(specOf()) }
    const { metadata, spec } = cluster.readJob(await template.launched)
    if (each === 0) return metadata.name
    const name = `millrace-copy${each}-1`
    cluster.createJob({ metadata: { ...metadata, name }, spec: { ...spec, suspend: false } })
    return name
  }
})

it('uses no right that agents do not have, and not all of those', async () => {
  for (const right of ['watch jobs', 'get pods', 'watch pods', 'get events', 'watch events']) fake.rights.delete(right)
  const handle = await launcher.launch(specOf({ workers: { count: 2 } }))
  await launcher.launch(specOf())
  await launcher.status(handle)
  await launcher.tail(handle)
  await launcher.list()
  await launcher.cancel(handle)
  await launcher.remove(handle)
})

it('says that this machine knows no cluster, before anything is asked of one', () => {
  const before = { ...process.env }
  const folder = mkdtempSync(join(tmpdir(), 'millrace-home-'))
  Object.assign(process.env, { HOME: folder, USERPROFILE: folder })
  for (const name of ['KUBECONFIG', 'KUBERNETES_SERVICE_HOST', 'HOMEDRIVE', 'HOMEPATH']) delete process.env[name]
  try {
    expect(() => kubernetesLauncher({ stack: 'test' })).toThrow('this machine knows no Kubernetes cluster')
  } finally {
    Object.assign(process.env, before)
    rmSync(folder, { recursive: true })
  }
})
