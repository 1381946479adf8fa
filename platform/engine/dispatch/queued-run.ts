import type { FlowRun, NewRun } from '../store/run-store.ts'

/** A machine, as a launcher is asked for it. What is left out is for the launcher to choose. */
export interface Machine {
  readonly cpu?: number
  /** Bytes. */
  readonly memory?: number
  readonly gpu?: number
  /** As the cloud names it: `n2-highmem-8`. */
  readonly machineType?: string
  /** Cheaper, and may be taken away at any time. */
  readonly spot?: boolean
}

/** What a run is launched with. Plain data: it is kept with the run. */
export interface JobRequest {
  /** Where its bundle is: a URL, and below it `FLOW/DIGEST.mjs`; the digest is that of the run's source. */
  readonly bundles: string
  /** What its driver and workers start from, by digest. None where they are processes of a machine. */
  readonly image?: string
  readonly driver: Machine
  /** Workers of its own; `count: 0`: its tasks run on threads of the driver, or on the worker cluster. */
  readonly workers: Machine & { readonly count: number }
  /** A standing worker cluster that its tasks run on. */
  readonly cluster?: string
  /** Address of the service account that it is. */
  readonly account?: string
  /** Where it writes: a URL. */
  readonly store?: string
  /** The version of each secret that it reads: `projects/…/secrets/NAME/versions/3`. */
  readonly secretVersions: Readonly<Record<string, string>>
}

/** For how long a key lets no second run in: while the first waits, until it is over, for ever. */
export const KEY_SCOPES = ['queued', 'active', 'ever'] as const
export type KeyScope = (typeof KEY_SCOPES)[number]

/** Somebody who is told when a run is over. */
export interface Callback {
  /** `https://…`, or `mailto:somebody@example.org`. */
  readonly to: string
  /** @default every final state */
  readonly states?: readonly ('Completed' | 'Failed' | 'Crashed' | 'Cancelled')[]
}

/** A run for an agent to launch. */
export interface QueuedRun extends NewRun {
  /** Empty: one is made up, until its driver names it as its flow says. */
  readonly name: string
  /** The deployment it is of: `hello`, `hello@feature-x`. None for code that is deployed nowhere. */
  readonly deployment?: string
  /** @default "default" */
  readonly queue?: string
  /** Higher ones go first. @default 0 */
  readonly priority?: number
  /** Only an agent that launches this way takes it. @default any */
  readonly launcher?: string
  readonly job: JobRequest
  /** A second run of the same deployment with this key is not made: the first is given back. */
  readonly key?: { readonly text: string; readonly scope: KeyScope }
  /** Not launched before (ms since the epoch). */
  readonly notBefore?: number
  /** Longest time (ms) from when its driver takes it up to its end. */
  readonly timeout?: number
  /** The release that its deployment was of, and the commit that its code is of. */
  readonly release?: string
  readonly commit?: string
  readonly callbacks?: readonly Callback[]
}

/** What became of one that was to be queued. */
export interface Enqueued {
  readonly run: FlowRun
  /** It was there already, under the same key. */
  readonly isKnown: boolean
}
