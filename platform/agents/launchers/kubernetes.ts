import { KubeConfig } from '@kubernetes/client-node'
import { UserError } from '@millrace/sdk'
import { type Job, type JobSpec, LaunchError, type Launcher, readJobLabels } from '../launcher.ts'
import { type JobParts, type KubernetesApi, kubernetesApi } from './kubernetes/api.ts'
import { driverJob, workersJob, workersName } from './kubernetes/job-manifests.ts'
import { isWithoutPod, jobStatus, newestPod } from './kubernetes/job-status.ts'
import { driversOf, JOB_NAME } from './kubernetes/labels.ts'
import { cancelPatch, phaseOf, startPatch } from './kubernetes/phase.ts'
import { CONTAINER, type PodOptions } from './kubernetes/pod-template.ts'

export interface KubernetesLauncherOptions extends PodOptions {
  readonly stack: string
  /** Where jobs are. @default "millrace" */
  readonly namespace?: string
  /** The cluster, and who asks. @default KUBECONFIG, `~/.kube/config`, or the cluster that this process runs in */
  readonly kubeConfig?: KubeConfig
}

/**
 * Launches runs as Jobs of a Kubernetes cluster: one for the driver, and one that it owns for the workers. The driver's is
 * made suspended, and starts when everything else is there, so that a launch that is cut off anywhere can be finished or
 * cancelled, and no driver runs without its workers.
 * @throws UserError when there is no cluster to ask
 */
export function kubernetesLauncher(options: KubernetesLauncherOptions): Launcher {
  const { stack, namespace = 'millrace' } = options
  const api = kubernetesApi(options.kubeConfig ?? defaultKubeConfig(), namespace)
  const drivers = driversOf(stack)
  return {
    kind: 'kubernetes',
    place: `kubernetes ${api.server} ${namespace}`,
    launch: async (spec) => {
      checkImage(spec)
      const job = (await api.createJob(driverJob(spec, options))) ?? (await findJob(api, spec))
      if (phaseOf(job) === 'making') await finishJob(api, spec, job, options)
      return spec.name
    },
    status: async (name) => {
      const job = await api.readJob(name)
      if (!job) return { state: 'gone' }
      const pods = await api.listPods(`${JOB_NAME}=${name}`)
      const events = isWithoutPod({ job, pods }) ? await api.failuresToCreate(`involvedObject.name=${name}`) : []
      return jobStatus({ job, pods, events })
    },
    cancel: async (name) => await cancelJob(api, name),
    // What it owns goes with it: pods and workers are told to go, and have their time.
    remove: async (name) => await api.deleteJob(name),
    list: async () => {
      // Jobs first: a pod of a job that is over is then there to be seen, or it was taken away.
      const jobs = await api.listJobs(drivers)
      const pods = jobs.length > 0 ? Map.groupBy(await api.listPods(drivers), jobOf) : new Map<undefined, never>()
      const all = jobs.map((job) => ({ job, pods: pods.get(job.metadata?.uid) ?? [] }))
      const events = all.some(isWithoutPod) ? await api.failuresToCreate('involvedObject.kind=Job') : []
      return all.flatMap((parts) => listed({ ...parts, events }))
    },
    tail: async (name, lines = 20) => {
      const job = lines > 0 ? await api.readJob(name) : undefined
      const pod = job && newestPod({ job, pods: await api.listPods(`${JOB_NAME}=${name}`) })
      const text = pod?.metadata?.name && (await api.readLog(pod.metadata.name, CONTAINER.driver, lines))
      return text ? text.replace(/\n$/, '').split('\n').slice(-lines) : []
    },
    close: async () => {},
  }
}

function defaultKubeConfig(): KubeConfig {
  const config = new KubeConfig()
  try {
    config.loadFromDefault()
  } catch (error) {
    throw new UserError(
      `the configuration of the Kubernetes cluster cannot be read: ${error instanceof Error ? error.message : error}`,
      'Set KUBECONFIG to a file that `kubectl` works with.',
    )
  }
  // What the client makes up where it finds nothing.
  if (config.getCurrentCluster()?.server === 'http://localhost:8080') {
    throw new UserError(
      'this machine knows no Kubernetes cluster: it is not part of one, and there is no kubeconfig',
      'Set KUBECONFIG to a file that `kubectl` works with.',
    )
  }
  return config
}

function checkImage({ name, image }: JobSpec): void {
  if (image?.includes('@sha256:')) return
  throw new LaunchError(
    'refused',
    `kubernetes: the job ${name} needs an image by its digest (NAME@sha256:…), and has ${image ?? 'none'}; deploy its flow with an image.`,
  )
}

/** The job of this name that is there already. */
async function findJob(api: KubernetesApi, { name, run, launch, stack }: JobSpec): Promise<JobParts['job']> {
  const job = await api.readJob(name)
  if (!job || job.metadata?.deletionTimestamp) {
    throw new LaunchError(
      'busy',
      `kubernetes: an earlier job ${name} is still being deleted; it can be made again then.`,
    )
  }
  const ours = readJobLabels(job.metadata?.labels ?? {})
  if (ours?.run !== run || ours.launch !== launch || ours.stack !== stack) {
    throw new LaunchError(
      'refused',
      `kubernetes: there is a job ${name} already, and its labels do not say that it is of run ${run}, launch ${launch}, of the stack ${stack}; delete it.`,
    )
  }
  return job
}

/** What is left to do when the suspended job of the driver is there. */
async function finishJob(api: KubernetesApi, spec: JobSpec, job: JobParts['job'], options: PodOptions): Promise<void> {
  const { name } = spec
  if (spec.workers.count > 0) await makeWorkers(api, spec, job, options)
  const start = startPatch(job, spec.deadline)
  if (await api.patchJob(name, start)) return
  const now = await api.readJob(name)
  if (!now) throw new LaunchError('busy', `kubernetes: the job ${name} was deleted while it was being made.`)
  // Somebody else has started it, or it was cancelled before its workers were there to be stopped.
  if (phaseOf(now) === 'cancelled') await cancelJob(api, name)
  if (phaseOf(now) === 'making') {
    throw new LaunchError('refused', `kubernetes: the job ${name} does not take the change that starts it.`)
  }
}

async function makeWorkers(
  api: KubernetesApi,
  spec: JobSpec,
  driver: JobParts['job'],
  options: PodOptions,
): Promise<void> {
  try {
    const wanted = workersJob(spec, driver, options)
    if (await api.createJob(wanted)) return
    const found = await api.readJob(workersName(spec.name))
    if (found?.metadata?.ownerReferences?.some(({ uid }) => uid === driver.metadata?.uid)) return
    throw new LaunchError('busy', `kubernetes: earlier workers of the job ${spec.name} are still being deleted.`)
  } catch (error) {
    // Nothing of a job is left that will never be whole.
    if (error instanceof LaunchError && error.kind !== 'busy') await api.deleteJob(spec.name).catch(() => {})
    throw error
  }
}

/** A suspended job has no pods: they are told to go, and the job is kept, so that it says what became of it. */
async function cancelJob(api: KubernetesApi, name: string): Promise<void> {
  await api.patchJob(name, cancelPatch())
  await api.patchJob(workersName(name), cancelPatch())
}

function jobOf(pod: JobParts['pods'][number]): string | undefined {
  return pod.metadata?.ownerReferences?.find(({ kind }) => kind === 'Job')?.uid
}

function listed(parts: JobParts): Job[] {
  const { name, labels, creationTimestamp } = parts.job.metadata ?? {}
  const ours = readJobLabels(labels ?? {})
  if (!name || !ours || !creationTimestamp) return []
  const { stack: _stack, ...facts } = ours
  return [{ handle: name, ...facts, created: creationTimestamp.getTime(), status: jobStatus(parts) }]
}
