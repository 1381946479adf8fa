import { Agent, type JobSpec, type Launcher } from '@millrace/agents'
import { PostgresStore } from '@millrace/engine'
import { processLauncher } from '../../../platform/agents/launchers/process.ts'
import { inlineLauncher } from './inline-launcher.ts'

export interface AgentProcessOptions {
  readonly database: string
  /** Where its jobs are, and what jobs are told besides. */
  readonly folder: string
  readonly root: string
  readonly environment: Readonly<Record<string, string>>
  readonly name: string
  readonly limit?: number
  /** `inline`: runs are driven in this process, and noted in `FOLDER/launches`. @default "process" */
  readonly launcher?: 'process' | 'inline'
  /** Kills itself (-9) when it launches: before the job is made, or after, before that is written down. */
  readonly dies?: 'before' | 'after'
  /** How far (ms) its clock is behind. */
  readonly behind?: number
}

/** An agent as a process of its own. It says what its agent tells, and ends when whoever started it does. */
const options = JSON.parse(process.argv[2] ?? '{}') as AgentProcessOptions

if (options.behind) setBack(options.behind)
process.stdin.on('end', () => process.exit(0)).resume()
try {
  const { database, folder, root, environment, name, limit = 4, dies } = options
  const store = await PostgresStore.open(database, { connections: 10 })
  const inner =
    options.launcher === 'inline' ? inlineLauncher(store, folder) : processLauncher({ root, folder, stack: 'test' })
  const launcher: Launcher = { ...inner, launch: dies ? (spec) => die(inner, spec, dies) : inner.launch }
  const agent = await Agent.start({
    store,
    launcher,
    name,
    limit,
    labels: [],
    surroundings: { stack: 'test', database, store: `file:${folder}/store`, environment },
    every: { sweep: 100, schedules: 100 },
    patience: { settle: 1000, exit: 5000 },
    reaper: { every: 50, driverGrace: 500, restartGrace: 500 },
    tell: (news) => console.log(news.kind === 'message' ? news.text : JSON.stringify(news)),
  })
  process.on('SIGTERM', () => void agent.stop(20_000))
  console.log('ready')
  await Promise.race([agent.stopped, agent.failed])
  console.log('stopped')
  process.exit(0)
} catch (error) {
  console.log(`failed: ${(error as Error).message}`)
  process.exit(1)
}

async function die(launcher: Launcher, spec: JobSpec, when: 'before' | 'after'): Promise<string> {
  if (when === 'after') await launcher.launch(spec)
  process.kill(process.pid, 'SIGKILL')
  return await new Promise<never>(() => {})
}

/** Whatever asks this process for the time is told that it is earlier. */
function setBack(ms: number): void {
  const Real = Date
  const now = (): number => Real.now() - ms
  globalThis.Date = class extends Real {
    constructor(...given: [] | [number | string | Date]) {
      super(given[0] ?? now())
    }
    static override now = now
  } as DateConstructor
}
