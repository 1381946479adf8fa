import { formatDuration } from '@millrace/sdk'
import type { RunEnded } from './delivery.ts'

/** Longest message (characters) of a run that a notice carries: a stack or a dump belongs into the log. */
const MOST_MESSAGE = 2000

/** What happened, in a line: `Failed: predict_1 (predict)`. */
export function headline({ type, data }: RunEnded): string {
  if (type === 'test') return `Test: ${data.message ?? ''}`
  const of = data.deployment ?? data.flow
  return `${data.state}: ${data.name}${data.name === of ? '' : ` (${of})`}`
}

/** What a person wants to know of a run that is over, a line each. */
export function facts({ type, data }: RunEnded): string[] {
  if (type === 'test') return []
  const took = data.started && data.ended ? Date.parse(data.ended) - Date.parse(data.started) : undefined
  const rows: [string, string | undefined][] = [
    ['run', data.id],
    ['flow', data.flow],
    ['deployment', data.deployment],
    ['queue', data.queue],
    ['labels', data.labels.join(', ')],
    ['environment', data.env],
    ['started', data.started],
    ['ended', data.ended],
    ['took', took === undefined ? undefined : formatDuration(took)],
    ['attempt', data.attempt > 1 ? String(data.attempt) : undefined],
    ['release', data.release],
    ['commit', data.commit],
  ]
  return rows.flatMap(([name, value]) => (value ? [`${name}: ${value}`] : []))
}

/** How to look further. */
export function nextStep({ type, data }: RunEnded): string | undefined {
  return type === 'test' ? undefined : `millrace runs logs ${data.id}`
}

/** A message as a notice carries it. */
export function shortened(message: string): string {
  return message.length > MOST_MESSAGE ? `${message.slice(0, MOST_MESSAGE - 1).toWellFormed()}…` : message
}
