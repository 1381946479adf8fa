import { liveWorkers } from '@millrace/engine'
import { formatDuration } from '@millrace/sdk'
import { paint } from '../output/log-line.ts'
import { count, openStore } from '../project.ts'
import { type Supervised, supervise } from '../supervise.ts'

interface StartOptions {
  readonly workers: string
  readonly slots: string
  readonly memory?: string
}

/** `millrace start`: the platform on this machine, until Ctrl-C. */
export async function start(options: StartOptions): Promise<void> {
  const workers = count(options.workers, '--workers', 0)
  const began = Date.now()
  const platform = await startPlatform({ workers, slots: count(options.slots, '--slots'), memory: options.memory })
  const say = (text: string): void => void process.stdout.write(`${text}\n`)
  say(`database and ${workers} workers are up (${formatDuration(Date.now() - began)})`)
  say('')
  say('Run a flow on these workers, in another terminal:')
  say('  MILLRACE_WORKERS=local npx millrace run burn --param tasks=1000')
  say('Look at them:')
  say('  npx millrace cluster status --watch')
  say('  npx millrace runs')
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

export interface Platform {
  readonly url: string
  stop(): Promise<void>
}

/** Starts the local database and workers, and waits until they are there. */
export async function startPlatform(options: {
  readonly workers: number
  readonly slots: number
  readonly memory?: string | undefined
}): Promise<Platform> {
  const { store, url, close } = await openStore('local', { create: true })
  const supervised: Supervised[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(supervised.map((each) => each.stop()))
    await close()
  }
  try {
    const before = new Set((await liveWorkers(store.database)).map(({ id }) => id))
    for (let i = 1; i <= options.workers; i++) {
      const args = ['worker', 'start', '--slots', String(options.slots), '--name', `local-${i}`]
      if (options.memory !== undefined) args.push('--memory', options.memory)
      // By environment: a URL on a command line is seen by everybody on the machine.
      const env = { ...process.env, MILLRACE_WORKERS: url }
      const show = (line: string): void => void process.stderr.write(`${paint('gray', line)}\n`)
      supervised.push(supervise(args, env, show))
    }
    for (const end = Date.now() + 20_000; Date.now() < end; ) {
      const now = (await liveWorkers(store.database)).filter(({ id }) => !before.has(id))
      if (now.length >= options.workers) return { url, stop }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error('the workers did not come up within 20 s; see the lines above')
  } catch (error) {
    await stop()
    throw error
  }
}
