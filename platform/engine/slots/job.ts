import type { FlowSource } from '../flow-source.ts'
import type { Outcome, RunFacts, SlotCall, TaskEvents } from './call.ts'

/** A call, where it comes from and where its outcome goes. */
export interface Job {
  readonly run: RunFacts
  readonly source: FlowSource
  readonly call: SlotCall
  readonly events: TaskEvents
  readonly done: (outcome: Outcome) => void
  /** Run it on a thread with nothing else: it may be what killed a worker. */
  readonly alone?: boolean | undefined
}

/** A job that waits for a thread, or has one. */
export interface Pending {
  readonly job: Job
  /** Calls of one kind take about equally long. */
  readonly kind: string
  readonly alone: boolean
}

export function pendingOf(job: Job, alone = job.alone ?? false): Pending {
  return { job, alone, kind: `${job.run.flow}/${job.call.task}` }
}
