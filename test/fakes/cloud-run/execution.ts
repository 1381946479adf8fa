import { randomBytes } from 'node:crypto'
import type { CloudLog } from '../cloud-logging/log.ts'
import type { Json } from '../google-cloud/answers.ts'
import { Container, type End, type EndedBy, type StartContainer } from './container.ts'
import type { RunJobBody } from './rules.ts'

export interface ExecutionOptions {
  /** Full name of its job. */
  readonly job: string
  readonly template: NonNullable<RunJobBody['template']>
  readonly log: CloudLog
  readonly start: StartContainer
  /** How long (ms) a container may take after SIGTERM; Cloud Run gives it ten seconds. */
  readonly grace: number
}

interface TaskState {
  container?: Container
  end?: End
}

const OUTCOME: Readonly<Record<EndedBy, string>> = {
  memory: 'The configured memory limit was reached.',
  timeout: 'The configured timeout was reached.',
  user: 'Cancelled by user.',
  machine: 'The container was terminated.',
}

/** An execution of a job, with its tasks: https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs.executions */
export class Execution {
  readonly name: string
  readonly created = new Date().toISOString()
  completed: string | undefined
  /** Words for why it does not start, while there is no machine for it. */
  held: string | undefined
  readonly #options: ExecutionOptions
  readonly #tasks: TaskState[]
  #isCancelled = false

  constructor(options: ExecutionOptions, held: string | undefined) {
    this.#options = options
    this.name = `${options.job}/executions/${shortName(options.job)}-${randomBytes(4).toString('hex').slice(0, 5)}`
    this.#tasks = Array.from({ length: options.template.taskCount ?? 1 }, () => ({}))
    this.held = held
    if (held === undefined) this.go()
  }

  /** There is a machine for it. */
  go(): void {
    this.held = undefined
    if (!this.completed) for (const [index, task] of this.#tasks.entries()) this.#startTask(task, index)
  }

  end(by: EndedBy): void {
    if (this.completed) return
    if (by === 'user') this.#isCancelled = true
    if (this.#tasks.every(({ container }) => !container)) this.completed = new Date().toISOString()
    for (const { container } of this.#tasks) {
      if (by === 'timeout') container?.kill(by)
      else container?.stop(by)
    }
  }

  get status(): string {
    if (!this.completed) return this.held === undefined ? 'EXECUTION_RUNNING' : 'EXECUTION_PENDING'
    if (this.#isCancelled) return 'EXECUTION_CANCELLED'
    return this.#failed === undefined ? 'EXECUTION_SUCCEEDED' : 'EXECUTION_FAILED'
  }

  /** As it is answered. */
  get resource(): Json {
    const { template } = this.#options
    const ends = this.#tasks.map(({ end }) => end)
    const running = this.#tasks.filter(({ container, end }) => container && !end).length
    return {
      name: this.name,
      labels: { ...template.labels, 'client.knative.dev/nonce': 'x' },
      job: shortName(this.#options.job),
      createTime: this.created,
      ...(this.held === undefined && { startTime: this.created }),
      ...(this.completed && { completionTime: this.completed }),
      parallelism: template.parallelism ?? 1,
      taskCount: this.#tasks.length,
      template: template.template,
      ...(running > 0 && { runningCount: running }),
      ...(this.completed && {
        succeededCount: ends.filter((end) => end?.code === 0 && !end.by).length,
        failedCount: ends.filter((end) => end && !isGood(end)).length,
      }),
      conditions: [
        { type: 'Completed', ...this.#completion },
        { type: 'ResourcesAvailable', ...this.#resources },
        { type: 'Started', state: this.held === undefined ? 'CONDITION_SUCCEEDED' : 'CONDITION_PENDING' },
      ],
    }
  }

  get tasks(): Json[] {
    return this.#tasks.map(({ end }, index) => ({
      name: `${this.name}/tasks/${shortName(this.name)}-task${index}`,
      job: shortName(this.#options.job),
      execution: shortName(this.name),
      index,
      ...(end && { lastAttemptResult: attemptOf(end) }),
    }))
  }

  get #failed(): number | undefined {
    const index = this.#tasks.findIndex(({ end }) => end && !isGood(end))
    return index < 0 ? undefined : index
  }

  get #completion(): Json {
    if (!this.completed)
      return { state: 'CONDITION_RECONCILING', ...(this.#isCancelled && { executionReason: 'CANCELLING' }) }
    if (this.#isCancelled) return { state: 'CONDITION_FAILED', executionReason: 'CANCELLED', message: OUTCOME.user }
    const index = this.#failed
    const end = this.#tasks[index ?? -1]?.end
    if (!end) return { state: 'CONDITION_SUCCEEDED', message: 'Execution completed successfully in 1.5s.' }
    // What has no exit code is told of with 0.
    const { exitCode = 0, status } = attemptOf(end)
    const message = `Task ${shortName(this.name)}-task${index} failed with exit code: ${exitCode} and message: ${status.message}`
    return { state: 'CONDITION_FAILED', executionReason: 'NON_ZERO_EXIT_CODE', message }
  }

  get #resources(): Json {
    if (this.held === undefined) return { state: 'CONDITION_SUCCEEDED' }
    return { state: 'CONDITION_RECONCILING', message: this.held }
  }

  #startTask(task: TaskState, index: number): void {
    const { template, start, grace } = this.#options
    const { image = '', command = [], args = [], env = [] } = template.template?.containers?.[0] ?? {}
    const spec = {
      image,
      command: [...command, ...args],
      env: {
        ...Object.fromEntries(env.map(({ name, value = '' }) => [name, value])),
        CLOUD_RUN_JOB: shortName(this.#options.job),
        CLOUD_RUN_EXECUTION: shortName(this.name),
        CLOUD_RUN_TASK_INDEX: String(index),
        CLOUD_RUN_TASK_COUNT: String(this.#tasks.length),
        CLOUD_RUN_TASK_ATTEMPT: '0',
      },
    }
    task.container = new Container(start, spec, {
      grace,
      onLine: (line, stream) => this.#print(line, stream, index),
      onEnd: (end) => {
        task.end = end
        if (end.code !== null && end.code > 0)
          this.#print(`Container called exit(${end.code}).`, 'varlog/system', index)
        if (this.#tasks.every(({ end }) => end)) this.completed = new Date().toISOString()
      },
    })
  }

  #print(line: string, log: string, index: number): void {
    const [, project = '', , location = ''] = this.#options.job.split('/')
    this.#options.log.write(
      {
        logName: `projects/${project}/logs/run.googleapis.com%2F${log.replace('/', '%2F')}`,
        resource: {
          type: 'cloud_run_job',
          labels: { project_id: project, location, job_name: shortName(this.#options.job) },
        },
        labels: {
          'run.googleapis.com/execution_name': shortName(this.name),
          'run.googleapis.com/task_index': String(index),
        },
      },
      line,
    )
  }
}

function attemptOf({ code, signal, by }: End): {
  status: { code?: number; message?: string }
  exitCode?: number
  termSignal?: number
} {
  if (by) return { status: { code: 10, message: OUTCOME[by] } }
  if (code === 0) return { status: {} }
  const status = { code: 10, message: 'The container exited with an error.' }
  return code === null ? { status, ...(signal && { termSignal: 9 }) } : { status, exitCode: code }
}

function isGood({ code, by }: End): boolean {
  return code === 0 && by === undefined
}

export function shortName(name: string): string {
  return name.split('/').at(-1) ?? ''
}
