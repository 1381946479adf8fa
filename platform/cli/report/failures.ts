import type { TaskRun } from '@millrace/engine'
import { type FailureGroup, MOST_FAILURES } from './failure-groups.ts'
import { type Html, html } from './html.ts'
import type { RunSummary } from './run-summary.ts'
import { counted, cut, number } from './words.ts'

type Failure = NonNullable<TaskRun['failure']>

/** Task runs that are named for one message. */
const MOST_NAMED = 8

/** What failed, and why: one entry for each message. */
export function failures({ failures: { groups, total } }: RunSummary): Html | undefined {
  if (total === 0) return undefined
  return html`<section aria-labelledby="failures"><h2 id="failures">Failures</h2>
<p>${counted(total, 'task run')} failed.${total > MOST_FAILURES && ` The first ${MOST_FAILURES} are shown.`} Messages that differ only in numbers stand together.</p>
${groups.map((group, index) => entry(group, index === 0))}
</section>`
}

function entry({ task, first, seqs }: FailureGroup, open: boolean): Html {
  const { failure } = first
  const named = seqs.slice(0, MOST_NAMED).map((seq) => `${task}-${seq}`)
  const others = seqs.length - named.length
  return html`<details class="failure"${open && html` open`}>
<summary><span class="count bad">${number(seqs.length)} ×</span> <strong>${task}</strong> ${failure ? `${failure.name}: ${cut(failure.message, 300)}` : 'failed without saying why'}</summary>
<p class="named">${named.join(', ')}${others > 0 && ` and ${counted(others, 'more', 'more')}`}${first.attempt > 1 && `, after ${first.attempt} attempts`}</p>
${failure && html`<pre>${cut(stackOf(failure), 6000)}</pre>`}
</details>`
}

function stackOf(failure: Failure): string {
  const own = failure.stack ?? `${failure.name}: ${failure.message}`
  const hint = failure.hint ? `\n${failure.hint}` : ''
  return `${own}${hint}${failure.cause ? `\ncaused by ${stackOf(failure.cause)}` : ''}`
}
