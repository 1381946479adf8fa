import { randomUUID } from 'node:crypto'
import type { CloudLog } from '../cloud-logging/log.ts'
import { bodyOf, type Json, json, refuse } from '../google-cloud/answers.ts'
import type { Answer, Ask } from '../serve.ts'
import type { StartContainer } from './container.ts'
import { RUN_ENUMS, withNumbers } from './enums.ts'
import { Execution, shortName } from './execution.ts'
import { faultOf, type RunJobBody } from './rules.ts'
import { WorkerPoolsFake } from './worker-pools.ts'

export interface CloudRunFakeOptions {
  readonly project: string
  readonly region: string
  readonly log: CloudLog
  readonly start: StartContainer
  /** How long (ms) a container may take after SIGTERM. @default 300 */
  readonly grace?: number
  /** Most on a page of a list; the real one gives up to 1,000 and is free to give fewer. @default 3 */
  readonly pageSize?: number
  /** How often an operation, or a new job, is asked for in vain until it is done. @default 0 */
  readonly operationTakes?: number
}

interface Job {
  readonly name: string
  readonly body: RunJobBody
  readonly created: string
  readonly executions: Execution[]
  /** How often it is still not ready when it is looked at. */
  reconciling: number
}

interface Operation {
  readonly name: string
  left: number
  readonly metadata: Json
  readonly end: () => Json
}

const TYPE = 'type.googleapis.com/google.cloud.run.v2.'

/** Cloud Run's jobs, and its worker pools, in one region: https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs */
export class CloudRunFake {
  readonly jobs = new Map<string, Job>()
  /** Every job that there was, by its short name. */
  readonly history = new Map<string, RunJobBody>()
  readonly pools = new WorkerPoolsFake()
  /** Images that are not there. */
  readonly missingImages = new Set<string>()
  /** Words for why nothing starts. */
  held: string | undefined
  readonly #options: CloudRunFakeOptions
  readonly #parent: string
  readonly #operations = new Map<string, Operation>()

  constructor(options: CloudRunFakeOptions) {
    this.#options = options
    this.#parent = `projects/${options.project}/locations/${options.region}`
  }

  /** There are machines again: what waits starts. */
  release(): void {
    this.held = undefined
    for (const { executions } of this.jobs.values())
      for (const each of executions) if (each.held !== undefined) each.go()
  }

  /** The time of an execution is over. */
  passTimeout(name: string): void {
    for (const each of this.jobs.get(name)?.executions ?? []) each.end('timeout')
  }

  answer(ask: Ask): Answer {
    const answer = this.#answer(ask)
    if (ask.url.searchParams.get('$alt') !== 'json;enum-encoding=int' || typeof answer.body !== 'string') return answer
    return { ...answer, body: JSON.stringify(withNumbers(JSON.parse(answer.body), RUN_ENUMS)) }
  }

  #answer(ask: Ask): Answer {
    const [, path = '', verb] =
      /^\/run\.googleapis\.com\/v2\/([^:]+)(?::(\w+))?$/.exec(decodeURI(ask.url.pathname)) ?? []
    if (!path.startsWith(`${this.#parent}/`)) return { status: 404, body: '<html>Not Found</html>' }
    const parts = path.slice(this.#parent.length + 1).split('/')
    const [collection, name = '', inner, execution = '', tasks] = parts
    if (collection === 'operations') return this.#operation(path)
    if (collection === 'workerPools') {
      return this.pools.answer(ask, path, (resource) =>
        this.#begin('WorkerPool', resource, () => ({ response: { '@type': `${TYPE}WorkerPool`, ...resource } })),
      )
    }
    if (collection !== 'jobs') return { status: 404, body: '<html>Not Found</html>' }
    if (parts.length === 1)
      return ask.method === 'POST' ? this.#create(ask) : this.#page(ask, 'jobs', this.#newestFirst())
    const job = this.jobs.get(name)
    if (!job) {
      const { project, region } = this.#options
      return refuse(
        404,
        'NOT_FOUND',
        `Resource '${name}' of kind 'JOB' in region '${region}' in project '${project}' does not exist.`,
      )
    }
    if (inner === undefined) return this.#ofJob(ask, job, verb)
    if (parts.length === 3) return this.#page(ask, 'executions', job.executions.map((each) => each.resource).reverse())
    const found = job.executions.find((each) => shortName(each.name) === execution)
    if (!found) return refuse(404, 'NOT_FOUND', `Resource '${execution}' of kind 'EXECUTION' does not exist.`)
    if (tasks) return this.#page(ask, 'tasks', found.tasks)
    if (verb !== 'cancel') return json(found.resource)
    if (found.completed) return refuse(400, 'FAILED_PRECONDITION', `Execution '${execution}' has completed.`)
    found.end('user')
    return this.#begin('Execution', found.resource, () => ({
      response: { '@type': `${TYPE}Execution`, ...found.resource },
    }))
  }

  #ofJob(ask: Ask, job: Job, verb: string | undefined): Answer {
    if (verb === 'run') return this.#run(job)
    if (ask.method === 'DELETE') {
      this.jobs.delete(shortName(job.name))
      for (const each of job.executions) each.end('user')
      return this.#begin('Job', this.#resource(job), () => ({
        response: { '@type': `${TYPE}Job`, ...this.#resource(job) },
      }))
    }
    if (job.reconciling > 0) job.reconciling--
    return json(this.#resource(job))
  }

  #create(ask: Ask): Answer {
    const name = ask.url.searchParams.get('jobId') ?? ''
    const body = bodyOf(ask) as RunJobBody
    const fault = faultOf(name, body)
    if (fault) return refuse(400, 'INVALID_ARGUMENT', fault)
    if (this.jobs.has(name)) return refuse(409, 'ALREADY_EXISTS', `Resource '${name}' already exists.`)
    const { operationTakes = 0 } = this.#options
    const job: Job = {
      name: `${this.#parent}/jobs/${name}`,
      body,
      created: new Date().toISOString(),
      executions: [],
      reconciling: operationTakes,
    }
    this.jobs.set(name, job)
    this.history.set(name, body)
    return this.#begin('Job', this.#resource(job), () => {
      job.reconciling = 0
      const missing = this.#missingImage(job)
      if (missing) return { error: { code: 5, message: missing } }
      return { response: { '@type': `${TYPE}Job`, ...this.#resource(job) } }
    })
  }

  #run(job: Job): Answer {
    if (job.reconciling > 0) return refuse(400, 'FAILED_PRECONDITION', `Job '${shortName(job.name)}' is not ready.`)
    const missing = this.#missingImage(job)
    if (missing) return refuse(400, 'FAILED_PRECONDITION', missing)
    const { log, start, grace = 300 } = this.#options
    const { template = {} } = job.body
    const execution = new Execution({ job: job.name, template, log, start, grace }, this.held)
    job.executions.push(execution)
    return this.#begin('Execution', execution.resource, undefined)
  }

  /** Of a run the operation is over when the execution is: nobody here waits for that. */
  #begin(type: string, metadata: Json, end: (() => Json) | undefined): Answer {
    const name = `${this.#parent}/operations/${randomUUID()}`
    const { operationTakes = 0 } = this.#options
    const left = end ? operationTakes : Number.POSITIVE_INFINITY
    this.#operations.set(name, {
      name,
      left,
      metadata: { '@type': `${TYPE}${type}`, ...metadata },
      end: end ?? (() => ({})),
    })
    return this.#operation(name, true)
  }

  #operation(name: string, isNew = false): Answer {
    const operation = this.#operations.get(name)
    if (!operation) return refuse(404, 'NOT_FOUND', `Operation ${name} not found.`)
    const { metadata, end } = operation
    if (isNew || operation.left-- > 0) return json({ name, metadata })
    return json({ name, metadata, done: true, ...end() })
  }

  #missingImage({ body }: Job): string | undefined {
    const image = body.template?.template?.containers?.[0]?.image ?? ''
    return this.missingImages.has(image) ? `Image '${image}' not found.` : undefined
  }

  #newestFirst(): Json[] {
    return [...this.jobs.values()].map((job) => this.#resource(job)).reverse()
  }

  #resource(job: Job): Json {
    const latest = job.executions.at(-1)
    const missing = this.#missingImage(job)
    const condition =
      job.reconciling > 0
        ? { type: 'Ready', state: 'CONDITION_RECONCILING' }
        : missing
          ? { type: 'Ready', state: 'CONDITION_FAILED', reason: 'CONTAINER_MISSING', message: missing }
          : { type: 'Ready', state: 'CONDITION_SUCCEEDED' }
    return {
      ...job.body,
      name: job.name,
      createTime: job.created,
      generation: '1',
      launchStage: 'GA',
      terminalCondition: condition,
      ...(job.reconciling > 0 && { reconciling: true }),
      executionCount: job.executions.length,
      ...(latest && {
        latestCreatedExecution: {
          name: shortName(latest.name),
          createTime: latest.created,
          ...(latest.completed && { completionTime: latest.completed }),
          completionStatus: latest.status,
        },
      }),
    }
  }

  #page(ask: Ask, key: string, all: readonly Json[]): Answer {
    const { pageSize = 3 } = this.#options
    const from = Number(ask.url.searchParams.get('pageToken') ?? 0)
    const next = from + pageSize
    return json({ [key]: all.slice(from, next), ...(next < all.length && { nextPageToken: String(next) }) })
  }
}
