/**
 * What the platform's processes write to their logs for Monitoring to see: structured lines with a field `event`. Alerts
 * look for these words; whoever writes such a line uses the same ones.
 */
export const LOG_EVENT = {
  /** A flow run is over; with `flow`, `run` and `state`. */
  runEnded: 'run-ended',
  /** Tasks or runs have waited for longer than the agent was told to tolerate; with `queue`. */
  backlog: 'queue-backlog',
  /** An agent or a worker cluster that should be there has not been heard of; with `name`. */
  missing: 'process-missing',
} as const

/** A filter of Cloud Logging for one event. */
export function eventFilter(event: string, ...more: readonly string[]): string {
  return [`jsonPayload.event="${event}"`, ...more].join(' AND ')
}
