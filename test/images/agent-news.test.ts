import { expect, it, vi } from 'vitest'
import { writeNews } from '../../images/agent/serve-runs.ts'
import { LOG_EVENT } from '../../infra/components/log-events.ts'

/** The line of a log that some news becomes. */
function lineOf(news: Parameters<typeof writeNews>[0]): Record<string, unknown> {
  let text = ''
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk)
    return true
  })
  try {
    writeNews(news, { agent: 'gke' })
  } finally {
    spy.mockRestore()
  }
  return JSON.parse(text) as Record<string, unknown>
}

it('an agent writes what is missing in the words that the alert looks for, and by which name', () => {
  const text = 'worker cluster standard has had no worker for 5 min 0 s, and 3 tasks wait'
  expect(lineOf({ kind: 'missing', what: 'worker cluster', name: 'standard', text })).toMatchObject({
    severity: 'ERROR',
    message: text,
    event: LOG_EVENT.missing,
    agent: 'gke',
    name: 'standard',
  })
})

it('and the queue that runs wait in for too long', () => {
  expect(lineOf({ kind: 'backlog', queue: 'big', waiting: 7, oldest: 601_000 })).toMatchObject({
    severity: 'WARNING',
    event: LOG_EVENT.backlog,
    queue: 'big',
    seconds: 601,
  })
})
