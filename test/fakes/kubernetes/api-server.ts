import { KubeConfig } from '@kubernetes/client-node'
import { type Answer, type Ask, serve } from '../serve.ts'
import { Cluster } from './cluster.ts'
import { applyJsonPatch } from './json-patch.ts'
import type { StartContainer } from './kubelet.ts'
import type { Job } from './objects.ts'
import { forbidden, notFound, Refusal } from './refusal.ts'
import { matchesFields, matchesLabels } from './selectors.ts'

/** What goes wrong with a request: an answer instead of what it asks for, or none although it was done. */
export type Trouble = Answer | 'answer lost' | 'connection lost'

export interface KubernetesFakeOptions {
  /** @default "millrace" */
  readonly namespace?: string
  /** What containers run. Without it they run until a test ends them. */
  readonly start?: StartContainer
}

/** A fake of a cluster, and of its API with one namespace. */
export interface KubernetesFake {
  readonly cluster: Cluster
  readonly endpoint: string
  /** As agents have it. */
  readonly kubeConfig: KubeConfig
  /** `POST jobs`, `GET pods`, `GET pods/log` … */
  readonly requests: readonly string[]
  /** Decides about requests before they are done; undefined lets them be. */
  trouble: ((verb: string, resource: string) => Trouble | undefined) | undefined
  /** Verbs and resources that whoever asks may use. */
  readonly rights: Set<string>
  /** Lists that are read page by page cannot be read on. */
  expireLists(): void
  close(): Promise<void>
}

/** What an agent may do in its namespace, as in the stack prod. */
export const AGENT_RIGHTS: readonly string[] = [
  ...['create', 'get', 'list', 'patch', 'delete'].map((verb) => `${verb} jobs`),
  ...['list pods', 'list events'],
  'get pods/log',
]

const TOKEN = 'secret-token-of-the-agent'
const AGENT = 'system:serviceaccount:millrace:agent-gke'
const JSON_PATCH = 'application/json-patch+json'
const EVENT_FIELDS = [
  'involvedObject.kind',
  'involvedObject.name',
  'involvedObject.uid',
  'reason',
  'type',
  'metadata.name',
]
const POD_FIELDS = ['metadata.name', 'status.phase', 'spec.nodeName']

/**
 * The Kubernetes API, as far as Jobs, their pods, logs and events go: paths, fields, validation, pages, errors and rights are
 * the real ones (https://kubernetes.io/docs/reference/kubernetes-api), and so is what the controllers make of a Job.
 */
export async function fakeKubernetes(options: KubernetesFakeOptions = {}): Promise<KubernetesFake> {
  const { namespace = 'millrace', start } = options
  const cluster = new Cluster(namespace, start)
  const requests: string[] = []
  const rights = new Set(AGENT_RIGHTS)
  const pages = new Map<string, readonly object[]>()

  const served = await serve((ask) => {
    const found = routeOf(ask)
    if (!found) return answerOf(new Refusal(404, 'NotFound', 'the server could not find the requested resource'))
    requests.push(`${ask.method} ${found.resource}`)
    const trouble = fake.trouble?.(found.verb, found.resource)
    if (trouble === 'connection lost') return { status: 200, breakAfter: 0, body: ' ' }
    if (typeof trouble === 'object') return trouble
    const answer = tried(() => act(ask, found))
    return trouble === 'answer lost' ? { ...answer, breakAfter: 0 } : answer
  })

  const act = (ask: Ask, route: Route): Answer => {
    const { verb, resource, group, name } = route
    if (ask.headers.authorization !== `Bearer ${TOKEN}`) throw new Refusal(401, 'Unauthorized', 'Unauthorized')
    if (!rights.has(`${verb} ${resource}`)) throw forbidden(AGENT, verb, group, resource, route.namespace, name)
    if (route.namespace !== namespace) {
      if (verb === 'create') throw notFound('namespaces', route.namespace)
      if (verb !== 'list') throw notFound(group === '' ? resource : `${resource}.${group}`, name)
      return list(ask, 'JobList', [], () => true)
    }
    const query = ask.url.searchParams
    switch (`${verb} ${resource}`) {
      case 'create jobs':
        return json(cluster.createJob(bodyOf(ask) as Job), 201)
      case 'get jobs':
        return json(cluster.readJob(name))
      case 'patch jobs':
        return json(cluster.changeJob(name, (job) => patched(ask, job)))
      case 'delete jobs':
        return remove(name, bodyOf(ask))
      case 'list jobs':
        return list(ask, 'JobList', [...cluster.jobs.values()], () => true)
      case 'list pods':
        return list(ask, 'PodList', [...cluster.pods.values()], (pod) =>
          matchesFields(query.get('fieldSelector'), pod, POD_FIELDS),
        )
      case 'list events':
        return list(ask, 'EventList', cluster.events, (event) =>
          matchesFields(query.get('fieldSelector'), event, EVENT_FIELDS),
        )
      case 'get pods/log': {
        const pod = cluster.pods.get(name)
        if (!pod) throw notFound('pods', name)
        const tail = query.get('tailLines')
        const text = cluster.kubelet.readLog(
          pod,
          query.get('container') ?? '',
          tail === null ? undefined : Number(tail),
        )
        return { status: 200, headers: { 'content-type': 'text/plain' }, body: text }
      }
      default:
        throw new Refusal(405, 'MethodNotAllowed', `the fake does not ${verb} ${resource}`)
    }
  }

  const remove = (name: string, body: unknown): Answer => {
    const { metadata } = cluster.readJob(name)
    const policy = isRecord(body) ? body.propagationPolicy : undefined
    if (policy !== 'Background') throw new Error(`the fake deletes in the background only, not ${policy}`)
    cluster.deleteJob(name)
    return json({
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Success',
      details: { name, kind: 'jobs', uid: metadata.uid },
    })
  }

  const list = <T extends { metadata: { name: string; labels?: Record<string, string> } }>(
    { url: { searchParams: query } }: Ask,
    kind: string,
    all: readonly T[],
    isWanted: (object: T) => boolean,
  ): Answer => {
    const next = query.get('continue')
    const rest = next
      ? pages.get(next)
      : all
          .filter((each) => matchesLabels(query.get('labelSelector'), each.metadata.labels) && isWanted(each))
          .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    if (!rest) {
      const words = 'The provided continue parameter is too old to display a consistent list result.'
      throw new Refusal(410, 'Expired', words)
    }
    const limit = Number(query.get('limit') ?? 0) || rest.length
    const items = rest.slice(0, limit)
    const more = rest.slice(limit)
    const token = Buffer.from(
      JSON.stringify({ v: 'meta.k8s.io/v1', rv: cluster.currentVersion, more: more.length }),
    ).toString('base64url')
    // A page is of the moment in which the list was begun.
    if (more.length > 0) pages.set(token, structuredClone(more))
    const metadata = {
      resourceVersion: cluster.currentVersion,
      ...(more.length > 0 && { continue: token, remainingItemCount: more.length }),
    }
    return json({ kind, apiVersion: kind === 'JobList' ? 'batch/v1' : 'v1', metadata, items })
  }

  const fake: KubernetesFake = {
    cluster,
    endpoint: served.endpoint,
    kubeConfig: kubeConfigOf(served.endpoint),
    requests,
    trouble: undefined,
    rights,
    expireLists: () => pages.clear(),
    close: async () => {
      cluster.kubelet.close()
      await served.close()
    },
  }
  return fake
}

interface Route {
  readonly verb: string
  readonly group: string
  readonly resource: string
  readonly namespace: string
  readonly name: string
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#api-verbs */
function routeOf({ method, url }: Ask): Route | undefined {
  const [, root, namespace = '', resource = '', name = '', part] =
    /^\/(api|apis\/batch)\/v1\/namespaces\/([^/]+)\/(jobs|pods|events)(?:\/([^/]+))?(?:\/(log))?$/.exec(url.pathname) ??
    []
  const group = root === 'api' ? '' : 'batch'
  const verb = { POST: 'create', PATCH: 'patch', DELETE: 'delete', GET: name === '' ? 'list' : 'get' }[method]
  if (root === undefined || verb === undefined || (resource === 'jobs') !== (group === 'batch')) return undefined
  return { verb, group, resource: part === undefined ? resource : `${resource}/${part}`, namespace, name }
}

function patched({ headers, body }: Ask, job: Job): Job {
  if (headers['content-type'] !== JSON_PATCH) {
    throw new Refusal(415, 'UnsupportedMediaType', `the fake takes ${JSON_PATCH} only`)
  }
  return applyJsonPatch(job, JSON.parse(body.toString()))
}

function bodyOf({ body }: Ask): unknown {
  try {
    return body.length > 0 ? JSON.parse(body.toString()) : {}
  } catch {
    throw new Refusal(400, 'BadRequest', 'the object provided is unrecognized')
  }
}

function tried(act: () => Answer): Answer {
  try {
    return act()
  } catch (error) {
    if (error instanceof Refusal) return answerOf(error)
    return answerOf(new Refusal(500, 'InternalError', `Internal error occurred: ${error}`))
  }
}

/** The answer that says what was not done, and why. */
export function answerOf(refusal: Refusal, headers: Record<string, string> = {}): Answer {
  const answer = json(refusal.body, refusal.code)
  return { ...answer, headers: { ...answer.headers, ...headers } }
}

function json(body: unknown, status = 200): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** How an agent reaches it: by a token. */
function kubeConfigOf(server: string): KubeConfig {
  const config = new KubeConfig()
  config.loadFromOptions({
    clusters: [{ name: 'fake', server, skipTLSVerify: true }],
    users: [{ name: 'agent', token: TOKEN }],
    contexts: [{ name: 'fake', cluster: 'fake', user: 'agent' }],
    currentContext: 'fake',
  })
  return config
}
