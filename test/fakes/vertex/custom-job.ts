import type { CloudLog } from '../cloud-logging/log.ts'
import { Container, type End, type StartContainer } from '../cloud-run/container.ts'
import type { Json } from '../google-cloud/answers.ts'
import type { CustomJobBody, WorkerPool } from './rules.ts'

export interface CustomJobOptions {
  readonly name: string
  readonly project: string
  readonly body: CustomJobBody
  readonly log: CloudLog
  readonly start: StartContainer
  /** How long (ms) a container may take after SIGTERM. */
  readonly grace: number
}

type State = 'QUEUED' | 'PENDING' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLING' | 'CANCELLED'

interface Fate {
  readonly state: State
  readonly error: Failure
}

interface Failure {
  readonly code: number
  readonly message: string
}

/** A worker that ends with an error starts again, this often at most. */
const RESTARTS = 5
/** How long (ms) that takes. */
const RESTART_MS = 3000

/** A custom job: https://cloud.google.com/vertex-ai/docs/training/understanding-training-service */
export class CustomJob {
  readonly name: string
  readonly body: CustomJobBody
  readonly #options: CustomJobOptions
  readonly #created = new Date().toISOString()
  readonly #containers = new Set<Container>()
  #state: State = 'QUEUED'
  #error: Failure | undefined
  #started: string | undefined
  #ended: string | undefined
  /** What it ends as once its driver has ended. */
  #fate: Fate | undefined

  constructor(options: CustomJobOptions) {
    this.#options = options
    this.name = options.name
    this.body = options.body
  }

  get isOver(): boolean {
    return this.#ended !== undefined
  }

  get isQueued(): boolean {
    return this.#state === 'QUEUED'
  }

  get resource(): Json {
    return {
      ...this.body,
      name: this.name,
      state: `JOB_STATE_${this.#state}`,
      createTime: this.#created,
      ...(this.#started && { startTime: this.#started }),
      ...(this.#ended && { endTime: this.#ended }),
      ...(this.#error && { error: this.#error }),
    }
  }

  /** There are machines for it. */
  go(): void {
    this.#state = 'RUNNING'
    this.#started = new Date().toISOString()
    for (const [pool, spec] of (this.body.jobSpec?.workerPoolSpecs ?? []).entries()) {
      for (let replica = 0; replica < Number(spec.replicaCount); replica++) this.#run(spec, pool, replica)
    }
  }

  cancel(): void {
    const error = { code: 1, message: 'CANCELED' }
    if (this.isQueued) this.#end('CANCELLED', error)
    else {
      this.#state = 'CANCELLING'
      this.#stop({ state: 'CANCELLED', error })
    }
  }

  /** It cannot be started, or its machines are taken away. */
  fail(code: number, message: string): void {
    if (this.#containers.size === 0) this.#end('FAILED', { code, message })
    else this.#stop({ state: 'FAILED', error: { code, message } })
  }

  #stop(fate: Fate): void {
    this.#fate ??= fate
    for (const each of this.#containers) each.stop('machine')
  }

  #end(state: State, error?: Failure): void {
    if (this.isOver) return
    this.#state = state
    this.#error = error
    this.#ended = new Date().toISOString()
    for (const each of this.#containers) each.stop('machine')
  }

  #restart(spec: WorkerPool, pool: number, replica: number, restarts: number): void {
    if (!this.#fate && !this.isOver) this.#run(spec, pool, replica, restarts)
  }

  #run(spec: WorkerPool, pool: number, replica: number, restarts = 0): void {
    const { log, project, start, grace } = this.#options
    const { imageUri = '', command = [], args = [], env = [] } = spec.containerSpec ?? {}
    const task = `workerpool${pool}-${replica}`
    const job = this.name.split('/').at(-1) ?? ''
    const container = new Container(
      start,
      { image: imageUri, command: [...command, ...args], env: { ...expanded(env), CLOUD_ML_JOB_ID: job } },
      {
        grace,
        onLine: (line) =>
          log.add({
            logName: `projects/${project}/logs/${task}`,
            resource: { type: 'ml_job', labels: { project_id: project, job_id: job, task_name: task } },
            jsonPayload: { message: line, levelname: 'INFO' },
          }),
        onEnd: (end) => {
          this.#containers.delete(container)
          if (this.#fate && this.#containers.size === 0) this.#end(this.#fate.state, this.#fate.error)
          if (this.#fate || this.isOver) return
          if (end.code === 0 && pool === 0) this.#end('SUCCEEDED')
          if (end.code === 0) return
          if (pool === 0 || restarts === RESTARTS) this.#end('FAILED', { code: 3, message: wordsFor(task, end) })
          else setTimeout(() => this.#restart(spec, pool, replica, restarts + 1), RESTART_MS).unref()
        },
      },
    )
    this.#containers.add(container)
  }
}

function wordsFor(task: string, { code, signal, by }: End): string {
  const memory = by === 'memory' ? 'ran out-of-memory and ' : ''
  return `The replica ${task} ${memory}exited with a non-zero status of ${signal ? `9(${signal})` : code}. ${HINT}`
}

const HINT = 'To find out more about why your job exited please check the logs.'

/** $(NAME) stands for a variable before it, and "$$" for "$", as in Kubernetes. */
function expanded(env: readonly { readonly name: string; readonly value?: string }[]): Record<string, string> {
  const known: Record<string, string> = {}
  for (const { name, value = '' } of env) {
    known[name] = value.replace(/\$\$|\$\(([^)]*)\)/g, (all, variable: string | undefined) =>
      variable === undefined ? '$' : (known[variable] ?? all),
    )
  }
  return known
}
