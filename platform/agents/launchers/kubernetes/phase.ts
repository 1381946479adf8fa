import type { V1Job } from '@kubernetes/client-node'
import { activeSeconds } from './deadline.ts'

/**
 * How far a launch is, in an annotation of the driver's Job. It is there because "suspended" alone does not say whether
 * a Job has not started yet, or must never start again.
 */
export const PHASE = 'millrace.dev/phase'

/** `making`: suspended, until its workers are there. `started`. `cancelled`: suspended for good. */
export type Phase = 'making' | 'started' | 'cancelled'

/** One operation of RFC 6902. */
export interface JsonPatch {
  readonly op: 'test' | 'add'
  readonly path: string
  readonly value: unknown
}

const AT_PHASE = `/metadata/annotations/${PHASE.replace('/', '~1')}`

export function phaseOf({ metadata }: V1Job): Phase {
  const phase = metadata?.annotations?.[PHASE]
  return phase === 'making' || phase === 'cancelled' ? phase : 'started'
}

/**
 * Lets the driver start, but only if nobody has started or cancelled it meanwhile: the test and the change are one.
 * @param deadline ms since the epoch
 */
export function startPatch(job: V1Job, deadline: number | undefined): JsonPatch[] {
  const seconds = activeSeconds(job, deadline)
  return [
    { op: 'test', path: AT_PHASE, value: 'making' satisfies Phase },
    { op: 'add', path: AT_PHASE, value: 'started' satisfies Phase },
    ...(seconds === undefined ? [] : [{ op: 'add' as const, path: '/spec/activeDeadlineSeconds', value: seconds }]),
    { op: 'add', path: '/spec/suspend', value: false },
  ]
}

export function cancelPatch(): JsonPatch[] {
  return [
    { op: 'add', path: AT_PHASE, value: 'cancelled' satisfies Phase },
    { op: 'add', path: '/spec/suspend', value: true },
  ]
}
