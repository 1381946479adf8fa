import type { Store } from '@millrace/sdk'
import { CURRENT, HISTORY, movePath, UP_PATH, upFacts } from './layout.ts'
import { type Move, move } from './move.ts'
import { checkObject, readObject } from './read-object.ts'

/** How things stand in a record store. */
export interface State {
  /** The newest move; undefined before the first. */
  readonly head: Move | undefined
  /** What `up` made last; undefined where it made nothing yet. */
  readonly up: string | undefined
  /** Whether `up` made it after the newest move: it stands above it, and is in no move yet. */
  readonly isUpNewer: boolean
  /** Id of the release that is current. */
  readonly release: string | undefined
  readonly branches: Move['branches']
}

/**
 * How things stand now. Who asks again and again gives what it was told before: then it costs two questions whether
 * something is there, and an answer of a hundred bytes.
 */
export async function readState(store: Store, before?: State): Promise<State> {
  const head = await newestMove(store, before?.head)
  // Not before the move: a move that was made in between would seem older than the `up` that it knew.
  const up = (await readObject(store, UP_PATH, upFacts))?.release
  const isUpNewer = up !== undefined && up !== head?.up
  return { head, up, isUpNewer, release: isUpNewer ? up : head?.release, branches: head?.branches ?? {} }
}

async function newestMove(store: Store, known: Move | undefined): Promise<Move | undefined> {
  let newest = known ?? (await startingMove(store))
  for (;;) {
    const next = await readMove(store, (newest?.number ?? 0) + 1)
    if (!next) return newest
    newest = next
  }
}

/** A move that is not far from the newest. */
async function startingMove(store: Store): Promise<Move | undefined> {
  const copy = (await store.exists(CURRENT))
    ? move.safeParse(await store.readJson(CURRENT).catch(() => undefined))
    : undefined
  if (copy?.success) return copy.data
  let last: string | undefined
  for await (const { path } of store.list(HISTORY)) last = path
  return last === undefined ? undefined : checkObject(store, last, move, await store.readJson(last))
}

/** The move of a number; undefined when there is none. */
export async function readMove(store: Store, number: number): Promise<Move | undefined> {
  return await readObject(store, movePath(number), move)
}

/** Moves that are read at once. */
const PAGE = 32

/** All moves, newest first; they are read as they are asked for. */
export async function* moves(store: Store, from: Move | undefined): AsyncGenerator<Move> {
  for (let number = from?.number ?? 0; number > 0; number -= PAGE) {
    const numbers = Array.from({ length: Math.min(PAGE, number) }, (_, index) => number - index)
    for (const each of await Promise.all(numbers.map((one) => readMove(store, one)))) if (each) yield each
  }
}
