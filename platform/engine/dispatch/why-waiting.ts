import type { Database } from '../postgres/database.ts'
import { flowRunOf, RUN_COLUMNS, type RunRow } from '../postgres/run-row.ts'
import type { FlowRun } from '../store/run-store.ts'
import { type AgentRow, agents } from './agents.ts'
import { readSituation, type Situation } from './situation.ts'
import { isOpen, opensAt } from './time-window.ts'

/**
 * Why a run waits in its queue, in a sentence without a full stop. Undefined where nothing holds it up, so that an agent
 * claims it in a moment, and where it does not wait.
 */
export async function whyWaiting(database: Database, id: string): Promise<string | undefined> {
  const [row] = await database.query<RunRow>(
    `select ${RUN_COLUMNS} from flow_run where id = $1 and state = 'Scheduled' and queue is not null`,
    [id],
  )
  if (!row) return undefined
  const situation = await readSituation((text, values) => database.query(text, values))
  return reasonToWait(flowRunOf(row), situation, await agents(database))
}

/** What holds up a run that waits; undefined where nothing does. */
export function reasonToWait(run: FlowRun, situation: Situation, all: readonly AgentRow[]): string | undefined {
  return (
    heldByPause(run, situation) ?? heldByTime(run, situation) ?? heldByLimit(run, situation) ?? heldByAgents(run, all)
  )
}

function heldByPause({ queue, deployment }: FlowRun, { pauses, queues }: Situation): string | undefined {
  const pause = pauses.find(({ deployment: name }) => name === '*' || name === deployment)
  if (pause) {
    const what = pause.deployment === '*' ? 'dispatch' : `the deployment ${pause.deployment}`
    return `${what} was paused by ${pause.by}: ${pause.reason}`
  }
  const own = queues.find(({ name }) => name === queue)
  if (!own) return `there is no queue ${queue} any more`
  return own.pausedBy === null ? undefined : `the queue ${queue} was paused by ${own.pausedBy}: ${own.reason}`
}

function heldByTime({ queue, notBefore }: FlowRun, { now, queues }: Situation): string | undefined {
  if (notBefore !== undefined && notBefore > now) return `it is not to begin before ${localTime(notBefore, 'UTC')}`
  const window = queues.find(({ name }) => name === queue)?.window
  if (!window || isOpen(window, new Date(now))) return undefined
  const opens = opensAt(window, new Date(now))
  return `the window of the queue ${queue} opens at ${opens ? localTime(opens.getTime(), window.timezone) : 'no time'}`
}

function heldByLimit({ queue, labels }: FlowRun, situation: Situation): string | undefined {
  const own = situation.queues.find(({ name }) => name === queue)
  if (own && own.concurrency !== null && own.going >= own.concurrency) {
    return `the queue ${queue} lets ${own.concurrency} ${own.concurrency === 1 ? 'run' : 'runs'} go at once, and has as many`
  }
  const full = situation.labels.find(({ label, most, going }) => labels.includes(label) && going >= most)
  return full && `${full.most} ${full.most === 1 ? 'run' : 'runs'} with the label ${full.label} may go at once, and do`
}

function heldByAgents({ labels, launcher }: FlowRun, all: readonly AgentRow[]): string | undefined {
  const alive = all.filter(({ isAlive }) => isAlive)
  if (alive.length === 0) return 'no agent is up; start one: millrace agent start'
  const launching = alive.filter((agent) => launcher === undefined || agent.launcher === launcher)
  if (launching.length === 0) return `no agent with the launcher ${launcher} is up`
  const of = launcher === undefined ? 'no agent' : `no agent with the launcher ${launcher}`
  const missing = labels.filter((label) => !launching.some((agent) => agent.labels.includes(label)))
  if (missing.length > 0) return `${of} has the ${missing.length === 1 ? 'label' : 'labels'} ${missing.join(', ')}`
  const fitting = launching.filter((agent) => labels.every((label) => agent.labels.includes(label)))
  if (fitting.length === 0) return `${of} has all of the labels ${labels.join(', ')}`
  const taking = fitting.filter((agent) => labels.length > 0 || !agent.exclusive)
  if (taking.length === 0) return 'every agent that is up takes only runs that ask for one of its labels'
  const working = taking.filter(({ state }) => state === 'alive')
  if (working.length === 0) return 'every agent that may take it is about to stop'
  if (working.some(({ going, limit }) => going < limit)) return undefined
  const room = working.reduce((sum, { limit }) => sum + limit, 0)
  return `every agent that may take it has as many runs as it takes at once (${room})`
}

/** `2026-11-25 22:00 Europe/Berlin`. */
function localTime(time: number, timezone: string): string {
  // The Swedish write dates as ISO 8601 does.
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: timezone, dateStyle: 'short', timeStyle: 'short' })
  return `${format.format(time)} ${timezone}`
}
