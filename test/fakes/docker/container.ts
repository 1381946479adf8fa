import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { ContainerLog } from './log.ts'

/** What of a request to make a container the fake understands. */
export interface ContainerRequest {
  readonly Image: string
  readonly Entrypoint?: readonly string[]
  readonly Cmd?: readonly string[]
  readonly Env?: readonly string[]
  readonly Labels?: Readonly<Record<string, string>>
  readonly StopTimeout?: number
  readonly HostConfig?: {
    readonly NanoCpus?: number
    readonly Memory?: number
    readonly NetworkMode?: string
    readonly DeviceRequests?: readonly { readonly Count: number }[]
  }
}

/** Starts what runs in a container; undefined where the kernel ends it at once, for its memory. */
export type StartProcess = (container: Container, environment: Record<string, string>) => ChildProcess | undefined

const NEVER = '0001-01-01T00:00:00Z'
/** As docker itself does when nothing is said. */
const STOP_SECONDS = 10
const SIGNALS: Readonly<Record<string, number>> = { SIGKILL: 9, SIGTERM: 15 }

/** A container of the fake, with the state machine of the real ones: created, running, exited; and started anew. */
export class Container {
  readonly id = randomBytes(32).toString('hex')
  readonly created = new Date()
  readonly name: string
  readonly request: ContainerRequest
  readonly log = new ContainerLog()
  readonly state = {
    Status: 'created' as 'created' | 'running' | 'exited',
    Running: false,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: 0,
    ExitCode: 0,
    Error: '',
    StartedAt: NEVER,
    FinishedAt: NEVER,
  }
  private process: ChildProcess | undefined
  private ended: Promise<unknown> = Promise.resolve()

  constructor(name: string, request: ContainerRequest) {
    this.name = name
    this.request = request
  }

  /** It cannot be started; that is kept. */
  fail(words: string, exitCode: number): void {
    Object.assign(this.state, { Error: words, ExitCode: exitCode })
  }

  start(startProcess: StartProcess): void {
    const environment = Object.fromEntries(this.request.Env?.map((each) => partsOf(each)) ?? [])
    const inside = { PATH: '/usr/local/bin:/usr/bin:/bin', HOSTNAME: this.id.slice(0, 12), ...environment }
    const child = startProcess(this, inside)
    const running = { Status: 'running', Running: true, OOMKilled: false, Error: '', ExitCode: 0 } as const
    Object.assign(this.state, running, { Pid: child?.pid ?? 0, StartedAt: new Date().toISOString() })
    if (!child) {
      this.exit(137, true)
      return
    }
    this.process = child
    child.stdout?.on('data', (piece: Buffer) => this.log.write(1, piece))
    child.stderr?.on('data', (piece: Buffer) => this.log.write(2, piece))
    this.ended = once(child, 'close').then(([code, signal]) => {
      this.exit(typeof code === 'number' ? code : 128 + (SIGNALS[String(signal)] ?? 0))
    })
  }

  /** SIGTERM, SIGKILL after its time, and the end. */
  async stop(): Promise<void> {
    this.process?.kill('SIGTERM')
    const timer = setTimeout(() => this.process?.kill('SIGKILL'), (this.request.StopTimeout ?? STOP_SECONDS) * 1000)
    await this.ended
    clearTimeout(timer)
  }

  async kill(): Promise<void> {
    this.process?.kill('SIGKILL')
    await this.ended
  }

  /** The engine went down with its machine, and is back. */
  async lose(): Promise<void> {
    await this.kill()
    this.state.ExitCode = 255
  }

  private exit(code: number, isOverLimit = false): void {
    this.log.end()
    const facts = { Status: 'exited', Running: false, Pid: 0, ExitCode: code, OOMKilled: isOverLimit } as const
    Object.assign(this.state, facts, { FinishedAt: new Date().toISOString() })
  }

  /** As `GET /containers/ID/json` shows it. */
  get inspected(): object {
    const { HostConfig, ...config } = this.request
    return {
      Id: this.id,
      Created: this.created.toISOString(),
      Name: `/${this.name}`,
      State: this.state,
      RestartCount: 0,
      Config: { ...config, Labels: config.Labels ?? {} },
      HostConfig,
    }
  }

  /** As `GET /containers/json` shows it. */
  get listed(): object {
    const { Image, Labels, HostConfig } = this.request
    return {
      Id: this.id,
      Names: [`/${this.name}`],
      Image,
      Created: Math.floor(this.created.getTime() / 1000),
      State: this.state.Status,
      Status: this.state.Running ? 'Up 1 second' : `Exited (${this.state.ExitCode}) 1 second ago`,
      Labels: Labels ?? {},
      HostConfig: { NetworkMode: HostConfig?.NetworkMode ?? 'default' },
    }
  }
}

function partsOf(variable: string): [string, string] {
  const at = variable.indexOf('=')
  return [variable.slice(0, at), variable.slice(at + 1)]
}
