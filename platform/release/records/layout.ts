import { z } from 'zod'
import { FORMAT, RELEASE_ID } from './release.ts'
import { stableJson } from './stable-json.ts'

/*
 * A record store: the objects below one URL.
 *
 *   releases/ID.json         a release; written once, never changed
 *   up.json                  which of them `up` made last; nobody else writes it
 *   history/00000042.json    a move, and how things stand after it; written once, and only where there is none
 *   current.json             a copy of the newest move, to start from: it may lag behind, the history never does
 *   paused/FLOW.json         the schedule of a flow that a person paused
 *
 * Each object has one writer, or is written once. So nothing needs a lock that a process that was killed would leave
 * behind, and `up`, which writes without looking, takes nothing away: what it made counts from when it is there.
 */

export const UP_PATH = 'up.json'
export const CURRENT = 'current.json'
export const RELEASES = 'releases/'
export const HISTORY = 'history/'
export const PAUSED = 'paused/'

export const releasePath = (id: string): string => `${RELEASES}${id}.json`
export const movePath = (number: number): string => `${HISTORY}${String(number).padStart(8, '0')}.json`
export const pausePath = (name: string): string => `${PAUSED}${name}.json`

/** `NAME` of `releases/NAME.json`. */
export function nameIn(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.json$/, '')
}

/** What `up` made last. */
export const upFacts = z.strictObject({ format: z.literal(FORMAT), release: z.string().regex(RELEASE_ID) })

/** The text of `up.json`. */
export function upText(id: string): string {
  return stableJson({ format: FORMAT, release: id })
}
