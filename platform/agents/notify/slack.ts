import type { RunEnded } from './delivery.ts'
import { facts, headline, nextStep } from './run-words.ts'

/**
 * What an incoming webhook of Slack takes.
 * From https://docs.slack.dev/messaging/formatting-message-text: "&", "<" and ">" are its control characters.
 */
export function slackBody(event: RunEnded): string {
  const { message } = event.data
  const lines = [
    `*${escaped(headline(event))}*`,
    ...(message && event.type !== 'test' ? message.split('\n').map((line) => `> ${escaped(line)}`) : []),
    ...(event.type === 'test' ? [] : [escaped(facts(event).join(' · '))]),
  ]
  const next = nextStep(event)
  return JSON.stringify({ text: [...lines, ...(next ? [`\`${escaped(next)}\``] : [])].join('\n') })
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
