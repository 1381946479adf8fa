import type { protos } from '@google-cloud/run'
import { ONCE, PAGES } from '../google/calls.ts'
import { isRefusal } from '../google/refusal.ts'
import type { Transport } from '../google/transport.ts'

export type RunJob = protos.google.cloud.run.v2.IJob
export type Execution = protos.google.cloud.run.v2.IExecution
export type Task = protos.google.cloud.run.v2.ITask
export type Condition = protos.google.cloud.run.v2.ICondition

/** Cloud Run's jobs in one region, by their short names. */
export interface CloudRun {
  /** @returns what was made; undefined when there is one of this name already */
  create(name: string, job: RunJob): Promise<RunJob | undefined>
  job(name: string): Promise<RunJob | undefined>
  /** All in the region, ours or not. */
  jobs(): Promise<RunJob[]>
  /** Starts an execution, and does not wait for it. */
  run(name: string): Promise<void>
  /** Those of a job, oldest first; none where there is no job. */
  executions(name: string): Promise<Execution[]>
  /** Those of an execution, which is called by its full name. */
  tasks(execution: string): Promise<Task[]>
  /** Stops an execution; one that is over, or gone, is left as it is. */
  cancel(execution: string): Promise<void>
  /** Deletes a job and its executions; one that is gone is no error. */
  remove(name: string): Promise<void>
  close(): Promise<void>
}

/** How often an operation is asked for, and how long. */
const OPERATION = {
  ...ONCE,
  longrunning: {
    initialRetryDelayMillis: 100,
    retryDelayMultiplier: 1.5,
    maxRetryDelayMillis: 3000,
    totalTimeoutMillis: 120_000,
  },
}

export async function openCloudRun(project: string, region: string, auth: Transport): Promise<CloudRun> {
  const { JobsClient, ExecutionsClient, TasksClient } = await import('@google-cloud/run')
  const options = { auth, fallback: true }
  const clients = {
    jobs: new JobsClient(options),
    executions: new ExecutionsClient(options),
    tasks: new TasksClient(options),
  }
  const parent = `projects/${project}/locations/${region}`
  const fullName = (name: string) => `${parent}/jobs/${name}`

  async function create(name: string, job: RunJob): Promise<RunJob | undefined> {
    try {
      const [operation] = await clients.jobs.createJob({ parent, jobId: name, job }, OPERATION)
      const [made] = await operation.promise()
      return made
    } catch (error) {
      if (isRefusal(error, 'ALREADY_EXISTS')) return undefined
      throw error
    }
  }

  async function job(name: string): Promise<RunJob | undefined> {
    const found = await orNothing(clients.jobs.getJob({ name: fullName(name) }, ONCE))
    return found?.[0]
  }

  async function run(name: string): Promise<void> {
    // The operation is over when the execution is.
    await clients.jobs.runJob({ name: fullName(name) }, ONCE)
  }

  async function executions(name: string): Promise<Execution[]> {
    const found = await orNothing(all(clients.executions.listExecutionsAsync({ parent: fullName(name) }, PAGES)))
    return (found ?? []).sort(byAge)
  }

  async function cancel(execution: string): Promise<void> {
    try {
      await clients.executions.cancelExecution({ name: execution }, ONCE)
    } catch (error) {
      if (!isRefusal(error, 'NOT_FOUND', 'FAILED_PRECONDITION', 'ABORTED')) throw error
    }
  }

  async function remove(name: string): Promise<void> {
    const begun = await orNothing(clients.jobs.deleteJob({ name: fullName(name) }, OPERATION))
    await (begun && orNothing(begun[0].promise()))
  }

  async function close(): Promise<void> {
    await Promise.all([clients.jobs.close(), clients.executions.close(), clients.tasks.close()])
  }

  return {
    create,
    job,
    jobs: () => all(clients.jobs.listJobsAsync({ parent }, PAGES)),
    run,
    executions,
    tasks: async (execution) =>
      (await orNothing(all(clients.tasks.listTasksAsync({ parent: execution }, PAGES)))) ?? [],
    cancel,
    remove,
    close,
  }
}

/** Of all pages. */
async function all<T>(pages: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const each of pages) found.push(each)
  return found
}

async function orNothing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (isRefusal(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

/** The same order for everybody who looks. */
function byAge(a: Execution, b: Execution): number {
  return timeOf(a.createTime) - timeOf(b.createTime) || ((a.name ?? '') < (b.name ?? '') ? -1 : 1)
}

/** In milliseconds since the epoch; 0 where there is none. */
export function timeOf(timestamp: protos.google.protobuf.ITimestamp | null | undefined): number {
  return Number(timestamp?.seconds ?? 0) * 1000 + Math.floor((timestamp?.nanos ?? 0) / 1e6)
}
