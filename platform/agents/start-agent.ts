import { type Database, PostgresStore } from '@millrace/engine'
import { type Store, UserError } from '@millrace/sdk'
import { Agent, type AgentNews, type AgentOptions } from './agent.ts'
import { followReleases } from './follow-releases.ts'
import { notifier } from './notify/notifier.ts'
import { type LauncherSettings, openLauncher } from './open-launcher.ts'
import type { Pools } from './scale/pool-settings.ts'
import type { Scaler } from './scale/scaler.ts'
import { type AgentServer, serveAgent } from './serve-agent.ts'

export interface AgentSettings
  extends Pick<
    AgentOptions,
    'labels' | 'exclusive' | 'limit' | 'name' | 'backlogAfter' | 'every' | 'patience' | 'reaper'
  > {
  readonly launcher: string
  readonly where: LauncherSettings
  /** URL of the database. */
  readonly database: string
  /** The same, as jobs reach it. @default as the agent does */
  readonly jobDatabase?: string | undefined
  /** Where jobs write whose deployment does not say: a URL. */
  readonly store?: string | undefined
  /** What jobs are told besides. */
  readonly environment?: Readonly<Record<string, string>>
  /** The releases that it follows; without, what is deployed is for others to say. */
  readonly records?: Store | undefined
  /** Worker clusters on Cloud Run whose size it keeps, in its own project and region. */
  readonly pools?: Pools | undefined
  /** Where it answers who asks how it is, and how many tasks wait. */
  readonly port?: number | undefined
  readonly tell: (news: AgentNews) => void
}

/** An agent that runs, with all that it stands on. */
export interface StartedAgent {
  readonly agent: Agent
  readonly server: AgentServer | undefined
  /** Stops it as {@link Agent.stop} does, and closes the rest. */
  stop(patience: number): Promise<void>
}

/**
 * Starts an agent, from a command line or in a container.
 * @throws UserError when the database, the launcher or the records cannot be had
 */
export async function startAgent(settings: AgentSettings): Promise<StartedAgent> {
  const { where, database, records, tell, environment, jobDatabase, port, pools, launcher: kind, ...own } = settings
  const say = (level: 'info' | 'warn', text: string): void => tell({ kind: 'message', level, text })
  const launcher = await openLauncher(kind, where)
  const store = await PostgresStore.open(database, { name: 'millrace agent', onAway: (text) => say('warn', text) })
  const notices = notifier(store.database, { onMessage: say })
  let scaler: Scaler | undefined
  try {
    scaler = pools && (await openScaler(store.database, pools, where, say))
    const agent = await Agent.start({
      ...own,
      store,
      launcher,
      surroundings: { stack: where.stack, database: jobDatabase ?? database, store: settings.store, environment },
      notify: notices.deliver,
      tell,
      ...(records && { follow: followReleases(records) }),
      ...(scaler && { scale: scaler.look }),
    })
    const server = port === undefined ? undefined : await serveAgent(port, store.database, agent)
    const stop = async (patience: number): Promise<void> => {
      await agent.stop(patience)
      await server?.close()
      await scaler?.close()
      await notices.close()
      await store.close()
    }
    return { agent, server, stop }
  } catch (error) {
    await scaler?.close()
    await notices.close()
    await store.close()
    throw error
  }
}

async function openScaler(
  database: Database,
  pools: Pools,
  { project, region }: LauncherSettings,
  say: (level: 'info' | 'warn', text: string) => void,
): Promise<Scaler> {
  if (project === undefined) throw new UserError('worker pools need a project: MILLRACE_PROJECT')
  if (region === undefined) throw new UserError('worker pools need a region: MILLRACE_REGION')
  const { poolScaler } = await import('./scale/scaler.ts')
  return poolScaler({ database, pools, project, region, say })
}
