import { type FlowRun, isFinalRun } from '@millrace/engine'
import { type Content, type Html, html } from './html.ts'
import type { RunSummary } from './run-summary.ts'
import { clock, counted, cut, duration, number } from './words.ts'

/** Name, state and the numbers that matter most. */
export function headline(summary: RunSummary): Html {
  const { run, at, tasks, wall, busy } = summary
  const over = isFinalRun(run.state)
  const runs = tasks.reduce((sum, task) => sum + task.runs, 0)
  return html`<header>
<p class="kind">Flow run <code>${run.id}</code> of <strong>${run.flow}</strong></p>
<h1>${run.name} <span class="state ${toneOf(run.state)}">${run.state}</span></h1>
${!over && html`<p class="note">The run is not over: this is what it came to so far, as of ${clock(at)}.</p>`}
${reason(run)}
<dl class="numbers">
${fact(over ? 'Took' : 'Going for', duration(wall))}
${fact('Task runs', number(runs), tasks.length > 0 && `of ${counted(tasks.length, 'task')}`)}
${fact('Workers', number(summary.workers.filter((worker) => worker.runs > 0).length), `executor: ${run.executor}`)}
${fact('Parallelism', parallelism(busy, wall), `${duration(busy)} of work`)}
</dl>
<p class="when">${run.started === undefined ? html`Created ${clock(run.created)}, not started` : html`Started ${clock(run.started)}`}${run.ended !== undefined && html`, ended ${clock(run.ended)}`}
· environment ${run.env}${run.attempt > 1 && html` · attempt ${run.attempt}`}${run.driver !== undefined && html` · driven by ${run.driver}`}${run.labels.length > 0 && html` · labels ${run.labels.join(', ')}`}</p>
</header>`
}

/** Why it failed, or what else is said about its state. */
function reason({ failure, message, state }: FlowRun): Html | undefined {
  if (!failure) return message ? html`<p class="reason ${toneOf(state)}">${cut(message, 2000)}</p>` : undefined
  const same = message === undefined || failure.message === message || message.includes(failure.message)
  return html`<div class="reason ${toneOf(state)}"><p>${same ? undefined : html`${cut(message, 2000)}<br>`}<strong>${failure.name}</strong>: ${cut(failure.message, 2000)}</p>
${failure.hint && html`<p>${cut(failure.hint, 2000)}</p>`}
${failure.stack && html`<details><summary>Stack</summary><pre>${cut(failure.stack, 8000)}</pre></details>`}</div>`
}

function fact(title: string, value: string, small?: Content): Html {
  return html`<div><dt>${title}</dt><dd>${value}${small && html`<small>${small}</small>`}</dd></div>`
}

/** How many task runs went on average at the same time. */
function parallelism(busy: number, wall: number | undefined): string {
  if (!wall || busy === 0) return '–'
  const achieved = busy / wall
  return `${achieved.toFixed(achieved < 10 ? 1 : 0)} ×`
}

/** How a state is coloured. */
export function toneOf(state: string): string {
  if (state === 'Completed' || state === 'Cached') return 'good'
  if (state === 'Failed' || state === 'Crashed') return 'bad'
  if (state === 'Running' || state === 'Retrying') return 'live'
  return 'plain'
}
