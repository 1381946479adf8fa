import { createServer } from 'node:net'
import { join } from 'node:path'
import { type Bench, ROOT } from '../harness/bench.ts'
import type { Child } from '../harness/child.ts'
import { type Dispatcher, LIMIT } from '../harness/dispatcher.ts'
import { until } from '../harness/until.ts'

export interface Prefect extends Dispatcher {
  readonly how: 'as it comes' | 'tuned'
  /** Versions of Prefect and Python. */
  readonly about: string
}

/** How long (ms) its server may take to answer. */
const UP = 120_000

/** Seconds between two questions of a worker for runs, if nobody says. https://docs.prefect.io/v3/api-ref/settings-ref */
const QUERY = 10

/** Documented settings that let a queued run begin sooner, and leave more of the machine to runs. */
const TUNED = {
  PREFECT_WORKER_QUERY_SECONDS: '0.2',
  // What a server does besides, and a run does not need.
  PREFECT_UI_ENABLED: 'false',
  PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED: 'false',
  PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED: 'false',
  PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED: 'false',
}

/**
 * Starts Prefect: a server with its SQLite database, a work pool of processes, a worker of it that has {@link LIMIT} runs
 * going at once. It has a home of its own, and tells nobody that it is used.
 */
export async function startPrefect(bench: Bench, python: string, how: Prefect['how']): Promise<Prefect> {
  const port = String(await freePort())
  const home = await bench.folder()
  const env = {
    HOME: home,
    PREFECT_HOME: home,
    PREFECT_API_URL: `http://127.0.0.1:${port}/api`,
    PREFECT_SERVER_ANALYTICS_ENABLED: 'false',
    DO_NOT_TRACK: '1',
    ...(how === 'tuned' && TUNED),
  }
  const children: Child[] = []
  const start = (...args: readonly string[]): Child => {
    const child = bench.child(python, args, { env, cwd: home })
    children.push(child)
    return child
  }
  const close = async (): Promise<void> => {
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(children.map((child) => child.exited))
  }
  try {
    const server = start('-m', 'prefect', 'server', 'start', '--host', '127.0.0.1', '--port', port)
    await orEnd(
      server,
      until('the Prefect server answers', UP, () => answers(`${env.PREFECT_API_URL}/health`), 200),
    )
    const query = how === 'tuned' ? Number(TUNED.PREFECT_WORKER_QUERY_SECONDS) : QUERY
    const client = start(join(ROOT, 'bench/prefect/measure.py'), String(query))
    const about = JSON.parse(await client.nextLine()) as { prefect: string; python: string }
    const worker = start('-m', 'prefect', 'worker', 'start', '--pool', 'bench', '--limit', String(LIMIT))
    const ask = async (question: string): Promise<unknown> => {
      const answer = client.nextLine()
      client.tell(question)
      return JSON.parse(await orEnd(server, orEnd(worker, answer)))
    }
    // The first run finds code that is not compiled yet.
    await ask('turn 1')
    return {
      how,
      about: `Prefect ${about.prefect}, Python ${about.python}`,
      many: async (count) => Number(await ask(`many ${count}`)),
      inTurn: async (count) => ((await ask(`turn ${count}`)) as number[]).map((written) => ({ written })),
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** What is waited for, unless the process ends that it needs. */
async function orEnd<T>(needed: Child, waited: Promise<T>): Promise<T> {
  const ended = needed.done().then(() => {
    throw new Error('Prefect ended before it was asked to')
  })
  ended.catch(() => {})
  return await Promise.race([waited, ended])
}

async function answers(url: string): Promise<boolean> {
  return await fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (typeof address !== 'object' || !address) throw new Error('there is no free port')
  return address.port
}
