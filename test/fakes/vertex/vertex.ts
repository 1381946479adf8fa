import { randomInt } from 'node:crypto'
import type { CloudLog } from '../cloud-logging/log.ts'
import type { StartContainer } from '../cloud-run/container.ts'
import { withNumbers } from '../cloud-run/enums.ts'
import { bodyOf, type Json, json, refuse } from '../google-cloud/answers.ts'
import type { Answer, Ask } from '../serve.ts'
import { CustomJob } from './custom-job.ts'
import { VERTEX_ENUMS } from './enums.ts'
import { type CustomJobBody, faultOf } from './rules.ts'

export interface VertexFakeOptions {
  readonly project: string
  /** Its number, which names of resources have. */
  readonly number: string
  readonly region: string
  readonly log: CloudLog
  readonly start: StartContainer
  /** How long (ms) a container may take after SIGTERM. @default 300 */
  readonly grace?: number
  /** Most on a page of a list. @default 3 */
  readonly pageSize?: number
}

/** Vertex AI's custom jobs in one region: https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.customJobs */
export class VertexFake {
  readonly jobs = new Map<string, CustomJob>()
  /** Every job that there was, by its name. */
  readonly history = new Map<string, CustomJobBody>()
  /** Images that are not there. */
  readonly missingImages = new Set<string>()
  /** There is no quota for machines: jobs stay queued. */
  isHeld = false
  /** How many of the newest jobs a list does not show yet. */
  lag = 0
  /** Machines that the project may not have, of all its quota. */
  exceededQuota: string | undefined
  readonly #options: VertexFakeOptions

  constructor(options: VertexFakeOptions) {
    this.#options = options
  }

  release(): void {
    this.isHeld = false
    for (const job of this.jobs.values()) if (job.isQueued) this.#begin(job)
  }

  answer(ask: Ask): Answer {
    const answer = this.#answer(ask)
    if (ask.url.searchParams.get('$alt') !== 'json;enum-encoding=int' || typeof answer.body !== 'string') return answer
    return { ...answer, body: JSON.stringify(withNumbers(JSON.parse(answer.body), VERTEX_ENUMS)) }
  }

  #answer(ask: Ask): Answer {
    const { project, number, region } = this.#options
    const [, asked = '', location = '', id, verb] =
      /^\/[^/]+\/v1\/projects\/([^/]+)\/locations\/([^/]+)\/customJobs(?:\/([^/:]+))?(?::(\w+))?$/.exec(
        ask.url.pathname,
      ) ?? []
    if (
      ![project, number].includes(asked) ||
      location !== region ||
      ask.parts[0] !== `${region}-aiplatform.googleapis.com`
    ) {
      return { status: 404, body: '<html>Not Found</html>' }
    }
    if (id === undefined) return ask.method === 'POST' ? this.#create(ask) : this.#list(ask)
    const name = `projects/${number}/locations/${region}/customJobs/${id}`
    const job = this.jobs.get(name)
    if (!job) return refuse(404, 'NOT_FOUND', `CustomJob ${name} does not exist.`)
    if (verb === 'cancel') return this.#cancel(job)
    if (ask.method === 'DELETE') return this.#delete(job)
    return json(job.resource)
  }

  #create(ask: Ask): Answer {
    const { project, number, region, log, start, grace = 300 } = this.#options
    const body = bodyOf(ask) as CustomJobBody
    const fault = faultOf(body)
    if (fault) return refuse(400, 'INVALID_ARGUMENT', fault)
    if (this.exceededQuota !== undefined) {
      const message = `The following quota metrics exceed quota limits: ${this.exceededQuota}`
      return refuse(429, 'RESOURCE_EXHAUSTED', message)
    }
    const id = String(randomInt(1e12, 9e12)).padStart(19, '4')
    const name = `projects/${number}/locations/${region}/customJobs/${id}`
    const job = new CustomJob({ name, project, body, log, start, grace })
    this.jobs.set(name, job)
    this.history.set(name, body)
    const answer = json(job.resource)
    if (!this.isHeld) this.#begin(job)
    return answer
  }

  #begin(job: CustomJob): void {
    const images = (job.body.jobSpec?.workerPoolSpecs ?? []).map(({ containerSpec }) => containerSpec?.imageUri ?? '')
    const missing = images.find((image) => this.missingImages.has(image))
    if (missing === undefined) job.go()
    else job.fail(3, `Failed to pull image "${missing}": not found.`)
  }

  #list(ask: Ask): Answer {
    const { pageSize = 3 } = this.#options
    const filter = ask.url.searchParams.get('filter') ?? ''
    const [, comparison, name = ''] = /^display_name(=|:)"([^"]*)"$/.exec(filter) ?? []
    if (filter && !comparison) return refuse(400, 'INVALID_ARGUMENT', `Invalid filter: ${filter}`)
    const fits = new RegExp(`^${name.replaceAll('*', '.*')}$`)
    const shown = [...this.jobs.values()].slice(0, this.lag > 0 ? -this.lag : undefined)
    const found = shown.filter(({ body }) => !filter || fits.test(body.displayName ?? '')).reverse()
    const from = Number(ask.url.searchParams.get('pageToken') ?? 0)
    const next = from + pageSize
    const page: readonly Json[] = found.slice(from, next).map(({ resource }) => resource)
    return json({ customJobs: page, ...(next < found.length && { nextPageToken: String(next) }) })
  }

  #cancel(job: CustomJob): Answer {
    if (job.isOver) return refuse(400, 'FAILED_PRECONDITION', `CustomJob ${job.name} has ended.`)
    job.cancel()
    return json({})
  }

  #delete(job: CustomJob): Answer {
    if (!job.isOver) return refuse(400, 'FAILED_PRECONDITION', `CustomJob ${job.name} has not ended: cancel it first.`)
    this.jobs.delete(job.name)
    return json({
      name: `${job.name}/operations/${randomInt(1e12)}`,
      metadata: { '@type': 'type.googleapis.com/google.cloud.aiplatform.v1.DeleteOperationMetadata' },
      done: true,
      response: { '@type': 'type.googleapis.com/google.protobuf.Empty' },
    })
  }
}
