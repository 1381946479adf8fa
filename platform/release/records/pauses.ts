import { type Store, UserError } from '@millrace/sdk'
import { z } from 'zod'
import { nameIn, PAUSED, pausePath } from './layout.ts'
import type { Act } from './make-move.ts'
import { readObject } from './read-object.ts'
import { FORMAT } from './release.ts'
import { stableJson } from './stable-json.ts'

/*
 * A schedule that a person paused stays paused until a person lets it go on: it is no part of a release, so neither a
 * deploy nor a rollback touches it. Each is an object of its own, so that two people cannot undo each other's.
 */

export const pause = z.strictObject({
  format: z.literal(FORMAT),
  at: z.iso.datetime(),
  by: z.string().min(1),
  reason: z.string().min(1).optional(),
})

export type Pause = z.infer<typeof pause>

/** Pauses the schedule of a flow. One that is paused already stays so, with the reason it has. */
export async function pauseSchedule(store: Store, flow: string, act: Act): Promise<void> {
  const { by, reason, now = () => new Date() } = act
  await store.create(pausePath(checkName(flow)), stableJson({ format: FORMAT, at: now().toISOString(), by, reason }))
}

/** Lets the schedule of a flow go on; nothing happens where it is not paused. */
export async function resumeSchedule(store: Store, flow: string): Promise<void> {
  await store.remove(pausePath(checkName(flow)))
}

/** Who paused the schedule of a flow, and why; undefined where it is not paused. */
export async function readPause(store: Store, flow: string): Promise<Pause | undefined> {
  return await readObject(store, pausePath(checkName(flow)), pause)
}

/** Names of the flows whose schedule is paused. */
export async function pausedNames(store: Store): Promise<Set<string>> {
  const entries = await Array.fromAsync(store.list(PAUSED))
  return new Set(entries.map(({ path }) => nameIn(path)))
}

function checkName(flow: string): string {
  if (/^[a-z][a-z0-9-]*$/.test(flow)) return flow
  throw new UserError(`"${flow}" has no schedule: expected the name of a flow, such as "hello"`)
}
