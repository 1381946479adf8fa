import { setTimeout as sleep } from 'node:timers/promises'
import type Docker from 'dockerode'
import { LaunchError } from '../../launcher.ts'
import type { Engine } from './engine.ts'
import { engineError, engineWords } from './engine-error.ts'
import { type Progress, progressOf } from './pull-progress.ts'
import { registryLogin } from './registry-login.ts'

export interface PullOptions {
  /** How long (ms) a launch waits for its image; then it is `busy`, and the pull goes on. @default 30000 */
  readonly wait?: number
  /** A pull of which nothing is heard for so long (ms) is given up. @default 300000 */
  readonly stall?: number
  /** @default as the docker command logs in */
  readonly login?: (image: string) => Promise<Docker.AuthConfig | undefined>
}

/** Has images pulled: each once, however many jobs wait for it. */
export interface Puller {
  /** @throws LaunchError when it cannot be had, or not yet */
  pull(image: string): Promise<void>
  close(): void
}

interface Pull {
  readonly done: Promise<void>
  readonly progress: Progress
}

const WAIT_MS = 30_000
const STALL_MS = 5 * 60_000
const AGAIN_AFTER_MS = 1000

const NOT_ALLOWED = /unauthorized|denied|forbidden|authentication required|no basic auth/i
const NOT_THERE = /not found|manifest unknown|does not exist|invalid|no matching manifest|unsupported/i

export function imagePuller(
  engine: Pick<Engine, 'pull'>,
  { wait = WAIT_MS, stall = STALL_MS, login = registryLogin }: PullOptions = {},
): Puller {
  const pulls = new Map<string, Pull>()
  const closing = new AbortController()

  async function pull(image: string): Promise<void> {
    const going = pulls.get(image) ?? begin(image)
    const isOver = await Promise.race([whenOver(going), sleep(wait, false, { ref: false })])
    if (!isOver) {
      const words = `docker: image ${image} is still being pulled (${going.progress.text})`
      throw new LaunchError('busy', words, { after: AGAIN_AFTER_MS })
    }
    // Who comes later asks the engine anew: also when it failed.
    if (pulls.get(image) === going) pulls.delete(image)
    await going.done
  }

  function begin(image: string): Pull {
    const progress = progressOf()
    const done = follow(image, progress)
    const going = { done, progress }
    pulls.set(image, going)
    return going
  }

  /** Has it pulled, and follows the news of it to the end. */
  async function follow(image: string, progress: Progress): Promise<void> {
    const silence = new AbortController()
    const timer = setTimeout(() => silence.abort(), stall)
    try {
      const signal = AbortSignal.any([silence.signal, closing.signal])
      const news = await engine.pull(image, await login(image), signal)
      for await (const piece of news.setEncoding('utf8')) {
        timer.refresh()
        progress.read(String(piece))
      }
      if (progress.failure !== undefined) throw pullError(image, progress.failure)
    } catch (error) {
      if (silence.signal.aborted) {
        throw new LaunchError('busy', `docker: nothing was heard of the pull of image ${image} (${progress.text})`)
      }
      throw hasAnswer(error)
        ? pullError(image, engineWords(error))
        : engineError(`image ${image} cannot be pulled`, error)
    } finally {
      clearTimeout(timer)
    }
  }

  return { pull, close: () => closing.abort() }
}

async function whenOver({ done }: Pull): Promise<true> {
  await done.catch(() => {})
  return true
}

/** Whether the engine itself said that something is wrong. */
function hasAnswer(error: unknown): error is Error {
  return error instanceof Error && 'statusCode' in error && error.statusCode !== undefined
}

/** By the words: an engine answers 404 or 500 as it likes, and what a registry says at length comes after a 200. */
function pullError(image: string, words: string): LaunchError {
  const kind = NOT_ALLOWED.test(words) ? 'denied' : NOT_THERE.test(words) ? 'refused' : 'busy'
  return new LaunchError(kind, `docker: image ${image} cannot be pulled: ${words}`)
}
