import {
  BatchV1Api,
  CoreV1Api,
  type CoreV1Event,
  createConfiguration,
  type KubeConfig,
  ServerConfiguration,
  type V1Job,
  type V1Pod,
} from '@kubernetes/client-node'
import { UserError } from '@millrace/sdk'
import { launchError, statusOf } from './api-errors.ts'
import type { JsonPatch } from './phase.ts'

export type { JobParts } from './job-status.ts'

/** Longest wait (ms) for an answer. */
const ANSWER = 30_000
/** Objects in one answer of a list. */
const PAGE = 500
/** A list whose continuation is too old is begun again so often. */
const BEGINNINGS = 3

/** As much of the API as launching takes, and no more than agents may (infra/components/gke-agent.ts). */
export interface KubernetesApi {
  readonly server: string
  /** @returns undefined where there is one of that name */
  createJob(job: V1Job): Promise<V1Job | undefined>
  /** @returns undefined where there is none */
  readJob(name: string): Promise<V1Job | undefined>
  /** @returns undefined where there is none, or where it is not what a `test` expects */
  patchJob(name: string, patch: readonly JsonPatch[]): Promise<V1Job | undefined>
  /** In the background: what it owns goes later. That there is none is no error. */
  deleteJob(name: string): Promise<void>
  listJobs(labels: string): Promise<V1Job[]>
  listPods(labels: string): Promise<V1Pod[]>
  /** Why controllers could not make pods. @param of a field selector */
  failuresToCreate(of: string): Promise<CoreV1Event[]>
  /** @returns undefined where there is none, or none yet */
  readLog(pod: string, container: string, lines: number): Promise<string | undefined>
}

/** Every call either does what it says or throws a LaunchError in the API's own words. */
export function kubernetesApi(config: KubeConfig, namespace: string): KubernetesApi {
  const cluster = config.getCurrentCluster()
  if (!cluster) {
    throw new UserError(
      'the configuration of the Kubernetes cluster has no current context',
      'Choose one: kubectl config use-context NAME.',
    )
  }
  const { batch, core } = clients(config, cluster.server)
  return {
    server: cluster.server,
    createJob: (body) =>
      asked(`create the job ${body.metadata?.name}`, () => batch.createNamespacedJob({ namespace, body }), isThere),
    readJob: (name) => asked(`read the job ${name}`, () => batch.readNamespacedJob({ namespace, name }), isGone),
    patchJob: (name, body) =>
      asked(
        `change the job ${name}`,
        () => batch.patchNamespacedJob({ namespace, name, body }),
        (error) => isGone(error) || isOtherwise(error, body),
      ),
    deleteJob: async (name) => {
      const body = { propagationPolicy: 'Background' }
      await asked(`delete the job ${name}`, () => batch.deleteNamespacedJob({ namespace, name, body }), isGone)
    },
    listJobs: (labelSelector) =>
      all('list jobs', (page) => batch.listNamespacedJob({ namespace, labelSelector, ...page })),
    listPods: (labelSelector) =>
      all('list pods', (page) => core.listNamespacedPod({ namespace, labelSelector, ...page })),
    failuresToCreate: (of) => {
      const fieldSelector = `${of},reason=FailedCreate`
      return all('list events', (page) => core.listNamespacedEvent({ namespace, fieldSelector, ...page }))
    },
    readLog: (name, container, tailLines) =>
      asked(
        `read the log of the pod ${name}`,
        () => core.readNamespacedPodLog({ namespace, name, container, tailLines }),
        (error) => isGone(error) || isNotThereYet(error),
      ),
  }
}

function clients(config: KubeConfig, server: string): { batch: BatchV1Api; core: CoreV1Api } {
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(server, {}),
    authMethods: { default: config },
    promiseMiddleware: [
      {
        pre: async (request) => {
          request.setHeaderParam('User-Agent', 'millrace-agent')
          request.setSignal(AbortSignal.timeout(ANSWER))
          return request
        },
        post: async (response) => response,
      },
    ],
  })
  return { batch: new BatchV1Api(configuration), core: new CoreV1Api(configuration) }
}

/** @param isNothing errors that are an answer */
async function asked<T>(
  what: string,
  ask: () => Promise<T>,
  isNothing: (error: unknown) => boolean,
): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (isNothing(error)) return undefined
    throw launchError(what, error)
  }
}

interface Page<T> {
  readonly items: T[]
  readonly metadata?: { readonly _continue?: string }
}

/** All of a list, page by page. Where the snapshot that pages are of has become too old, it is begun again. */
async function all<T>(
  what: string,
  ask: (page: { limit: number; _continue?: string }) => Promise<Page<T>>,
): Promise<T[]> {
  for (let beginning = 1; ; beginning++) {
    try {
      const found: T[] = []
      for (let next: string | undefined = ''; next !== undefined; ) {
        const page: Page<T> = await ask({ limit: PAGE, ...(next && { _continue: next }) })
        found.push(...page.items)
        next = page.metadata?._continue || undefined
      }
      return found
    } catch (error) {
      if (statusOf(error)?.code !== 410 || beginning === BEGINNINGS) throw launchError(what, error)
    }
  }
}

function isThere(error: unknown): boolean {
  const status = statusOf(error)
  return status?.code === 409 && status.reason === 'AlreadyExists'
}

function isGone(error: unknown): boolean {
  return statusOf(error)?.code === 404
}

/** A `test` that fails is "unprocessable", as is a change that is not allowed. */
function isOtherwise(error: unknown, patch: readonly JsonPatch[]): boolean {
  return statusOf(error)?.code === 422 && patch.some(({ op }) => op === 'test')
}

/** `container "driver" in pod "…" is waiting to start: ContainerCreating`; without a node there is no log either. */
function isNotThereYet(error: unknown): boolean {
  const status = statusOf(error)
  return (
    status?.code === 400 && /is waiting to start|does not have a host assigned|is not available/.test(status.message)
  )
}
