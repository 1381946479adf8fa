import type { protos } from '@google-cloud/aiplatform'
import { ONCE, PAGES } from '../google/calls.ts'
import { isRefusal } from '../google/refusal.ts'
import type { Transport } from '../google/transport.ts'

export type CustomJob = protos.google.cloud.aiplatform.v1.ICustomJob

/** Vertex AI's custom jobs in one region, by their full names. */
export interface Vertex {
  create(job: CustomJob): Promise<CustomJob>
  job(name: string): Promise<CustomJob | undefined>
  /** Those that a filter finds, oldest first. */
  jobs(filter: string): Promise<CustomJob[]>
  /** Has a job stopped; one that is over, or gone, is left as it is. */
  cancel(name: string): Promise<void>
  /** @throws Refusal of a job that is not over */
  remove(name: string): Promise<void>
  close(): Promise<void>
}

export async function openVertex(project: string, region: string, auth: Transport): Promise<Vertex> {
  // This client alone: all of the package takes a second.
  const { JobServiceClient } = await import('@google-cloud/aiplatform/build/src/v1/job_service_client.js')
  const client = new JobServiceClient({ auth, fallback: true, apiEndpoint: `${region}-aiplatform.googleapis.com` })
  const parent = `projects/${project}/locations/${region}`

  async function create(customJob: CustomJob): Promise<CustomJob> {
    const [made] = await client.createCustomJob({ parent, customJob }, ONCE)
    return made
  }

  async function job(name: string): Promise<CustomJob | undefined> {
    try {
      const [found] = await client.getCustomJob({ name }, ONCE)
      return found
    } catch (error) {
      if (isRefusal(error, 'NOT_FOUND')) return undefined
      throw error
    }
  }

  async function jobs(filter: string): Promise<CustomJob[]> {
    const found: CustomJob[] = []
    for await (const each of client.listCustomJobsAsync({ parent, filter }, PAGES)) found.push(each)
    return found.sort(byAge)
  }

  async function cancel(name: string): Promise<void> {
    try {
      await client.cancelCustomJob({ name }, ONCE)
    } catch (error) {
      if (isRefusal(error, 'NOT_FOUND')) return
      // Of a job that ended in the meantime.
      if (isRefusal(error, 'FAILED_PRECONDITION', 'INVALID_ARGUMENT') && isOver((await job(name)) ?? {})) return
      throw error
    }
  }

  async function remove(name: string): Promise<void> {
    try {
      // Its operation is not waited for: a job that is still there is listed, and removed again.
      await client.deleteCustomJob({ name }, ONCE)
    } catch (error) {
      if (!isRefusal(error, 'NOT_FOUND')) throw error
    }
  }

  return { create, job, jobs, cancel, remove, close: () => client.close() }
}

const OVER: ReadonlySet<unknown> = new Set([
  'JOB_STATE_SUCCEEDED',
  'JOB_STATE_PARTIALLY_SUCCEEDED',
  'JOB_STATE_FAILED',
  'JOB_STATE_CANCELLED',
  'JOB_STATE_EXPIRED',
])

export function isOver({ state }: CustomJob): boolean {
  return OVER.has(state)
}

/** In milliseconds since the epoch. */
export function createdAt({ createTime }: CustomJob): number {
  return Number(createTime?.seconds ?? 0) * 1000 + Math.floor((createTime?.nanos ?? 0) / 1e6)
}

/** The same order for everybody who looks. */
function byAge(a: CustomJob, b: CustomJob): number {
  return createdAt(a) - createdAt(b) || ((a.name ?? '') < (b.name ?? '') ? -1 : 1)
}
