import { type AgentRow, agents } from '@millrace/engine'
import { print, printJson } from '../output/print.ts'
import { ago, table } from '../output/table.ts'
import { withStore } from '../with-store.ts'

interface AgentsOptions {
  readonly database?: string
  readonly json?: boolean
  /** Those that are gone too. */
  readonly all?: boolean
}

/** `millrace agents` */
export async function listAgents({ all = false, ...options }: AgentsOptions): Promise<void> {
  const found = await withStore(options, ({ database }) => agents(database))
  const shown = all ? found : found.filter(({ isAlive }) => isAlive)
  if (options.json) return printJson(shown)
  if (shown.length === 0) {
    const gone = found.length > 0 ? ' (--all lists those that are gone)' : ''
    return print(`No agent is up. Start one with: millrace agent start${gone}`)
  }
  print(
    table([
      ['AGENT', 'PROCESS', 'STATE', 'LAUNCHER', 'LABELS', 'STACK', 'GOING', 'STARTED', 'SEEN', 'VERSION'],
      ...shown.map(rowOf),
    ]),
  )
}

function rowOf(agent: AgentRow): (string | number)[] {
  const { labels, exclusive, going, limit } = agent
  return [
    agent.name,
    `${agent.host}:${agent.pid}`,
    agent.state,
    agent.launcher,
    // An exclusive agent takes only runs that ask for one of its labels.
    exclusive ? `only ${labels.join(',')}` : labels.join(','),
    agent.stack,
    `${going} of ${limit}`,
    ago(agent.started),
    ago(Date.now() - agent.seenAgo),
    agent.version,
  ]
}
