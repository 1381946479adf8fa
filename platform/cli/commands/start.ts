import { agents, flowNames, liveWorkers } from '@millrace/engine'
import { author, deploy, localBundles, localRecords, stackSettings } from '@millrace/release'
import { formatDuration, store as openStoreAt, UserError } from '@millrace/sdk'
import { paint } from '../output/log-line.ts'
import { count, openStore, root } from '../project.ts'
import { type Supervised, supervise } from '../supervise.ts'

interface StartOptions {
  readonly workers: string
  readonly slots: string
  readonly memory?: string
  readonly agent: boolean
  readonly deploy: boolean
  readonly schedules: boolean
}

/** `millrace start`: the platform on this machine, until Ctrl-C. */
export async function start(options: StartOptions): Promise<void> {
  const workers = count(options.workers, '--workers', 0)
  const slots = count(options.slots, '--slots')
  const say = (text: string): void => void process.stdout.write(`${text}\n`)
  const began = Date.now()
  const flows = options.agent && options.deploy ? await deployHere(options.schedules) : undefined
  const platform = await startPlatform({ workers, slots, memory: options.memory, agent: options.agent })
  const parts = ['database', ...(options.agent ? ['agent'] : []), `${workers} workers`]
  say(`${parts.slice(0, -1).join(', ')} and ${parts.at(-1)} are up (${formatDuration(Date.now() - began)})`)
  if (flows !== undefined) say(`deployed as they are here: ${flows.length > 0 ? flows.join(', ') : 'no flows'}`)
  say('')
  if (options.agent) {
    say('Queue a run, for the agent to launch, in another terminal:')
    say('  npx millrace run hello --remote --watch')
  }
  say('Run a flow here, and its tasks on the workers:')
  say('  MILLRACE_WORKERS=local npx millrace run burn --param tasks=1000')
  say('Look at them:')
  say('  npx millrace runs')
  say('  npx millrace cluster status --watch')
  say('')
  say('Ctrl-C stops everything; workers finish what they run.')
  await new Promise<void>((resolve) => {
    let asked = 0
    const onSignal = (): void => {
      if (++asked > 1) process.exit(130)
      resolve()
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
  process.stderr.write('\nstopping\n')
  await platform.stop()
  process.exit(0)
}

/** Deploys the flows of this folder to the local platform. @returns their names; undefined where they cannot be */
async function deployHere(schedules: boolean): Promise<string[] | undefined> {
  const names = flowNames(root)
  if (names.length === 0) return []
  try {
    await deploy({
      root,
      records: openStoreAt(localRecords(root)),
      stack: 'dev',
      flows: [],
      // Whatever is checked out: it is what this platform runs.
      branch: stackSettings(root, 'dev').main,
      firstBundles: localBundles(root),
      schedules,
      act: { by: await author(root), reason: 'millrace start' },
    })
    return names
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    process.stderr.write(
      `millrace: the flows are not deployed: ${error.message}\n${error.hint ? `  ${error.hint}\n` : ''}`,
    )
    return undefined
  }
}

export interface Platform {
  readonly url: string
  stop(): Promise<void>
}

/** Starts the local database and workers, and waits until they are there. */
export async function startPlatform(options: {
  readonly workers: number
  readonly slots: number
  readonly memory?: string | undefined
  /** @default false */
  readonly agent?: boolean
}): Promise<Platform> {
  const { store, url, close } = await openStore('local', { create: true })
  const supervised: Supervised[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(supervised.map((each) => each.stop()))
    await close()
  }
  try {
    const show = (line: string): void => void process.stderr.write(`${paint('gray', line)}\n`)
    // By environment: a URL on a command line is seen by everybody on the machine.
    const env = { ...process.env, MILLRACE_WORKERS: url, MILLRACE_DATABASE: url, MILLRACE_RELEASES: localRecords(root) }
    if (options.agent) supervised.push(supervise(['agent', 'start', '--name', 'local'], env, show))
    const before = new Set((await liveWorkers(store.database)).map(({ id }) => id))
    for (let i = 1; i <= options.workers; i++) {
      const args = ['worker', 'start', '--slots', String(options.slots), '--name', `local-${i}`]
      if (options.memory !== undefined) args.push('--memory', options.memory)
      supervised.push(supervise(args, env, show))
    }
    for (const end = Date.now() + 20_000; Date.now() < end; ) {
      const now = (await liveWorkers(store.database)).filter(({ id }) => !before.has(id))
      const isAgentUp = !options.agent || (await agents(store.database)).some(({ isAlive }) => isAlive)
      if (now.length >= options.workers && isAgentUp) return { url, stop }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error(
      `${options.agent ? 'the agent and the workers' : 'the workers'} did not come up within 20 s; see the lines above`,
    )
  } catch (error) {
    await stop()
    throw error
  }
}
