import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '@millrace/sdk'
import { CURRENT, movePath } from './layout.ts'
import type { Move } from './move.ts'
import { FORMAT } from './release.ts'
import { stableJson } from './stable-json.ts'
import { readState, type State } from './state.ts'

/** Who does something to what is deployed, and why. */
export interface Act {
  readonly by: string
  readonly reason?: string | undefined
  /** @default the time now */
  readonly now?: () => Date
}

/** A move that somebody wants to make. */
export type NextMove = Pick<Move, 'kind' | 'names' | 'branches'> & {
  readonly release: string | undefined
  readonly before: number | undefined
}

/** Somebody else came first so often that something else must be wrong. */
const ATTEMPTS = 100

/**
 * Makes a move. Where somebody else made one meanwhile, `plan` is asked again, with how things stand then. What `up`
 * made and is in no move yet is put into the history first.
 * @param plan what to do; undefined when there is nothing to do
 * @returns the move that was made
 */
export async function makeMove(
  store: Store,
  act: Act,
  plan: (state: State) => Promise<NextMove | undefined>,
): Promise<Move | undefined> {
  for (let attempt = 1, state = await readState(store); attempt <= ATTEMPTS; attempt++) {
    if (state.isUpNewer) await tryMove(store, UP_ACT, state, releaseOfUp(state))
    else {
      const next = await plan(state)
      if (!next) return undefined
      const made = await tryMove(store, act, state, next)
      if (made) return made
      await sleep(Math.random() * 10 * Math.min(attempt, 20))
    }
    state = await readState(store, state)
  }
  throw new Error(`store ${store.url}: others write into it all the time; try again`)
}

/**
 * Puts what `up` made last into the history, where it is not there yet: by whoever may write and sees it first.
 * @returns undefined when there was nothing to do
 */
export async function recordUp(store: Store): Promise<Move | undefined> {
  const before = await readState(store)
  if (!before.isUpNewer) return undefined
  await makeMove(store, UP_ACT, async () => undefined)
  return (await readState(store, before)).head
}

const UP_ACT: Act = { by: 'pulumi up' }

function releaseOfUp({ head, up, branches }: State): NextMove {
  return { kind: 'release', names: [], release: up, before: moveBefore(head, up), branches }
}

/** What a rollback from `release`, which comes now, goes back to. */
export function moveBefore(head: Move | undefined, release: string | undefined): number | undefined {
  if (head?.release === undefined) return undefined
  return head.release === release ? head.before : head.number
}

async function tryMove(store: Store, act: Act, { head, up }: State, next: NextMove): Promise<Move | undefined> {
  const made: Move = {
    ...next,
    format: FORMAT,
    number: (head?.number ?? 0) + 1,
    token: randomBytes(8).toString('hex'),
    at: (act.now?.() ?? new Date()).toISOString(),
    by: act.by,
    reason: act.reason,
    from: head?.release,
    up,
  }
  if (!(await store.create(movePath(made.number), stableJson(made)))) return undefined
  // Readers that start from it are quicker; where it cannot be written, or a slower writer's is older, they go on from it.
  await store.write(CURRENT, stableJson(made)).catch(() => {})
  return made
}
