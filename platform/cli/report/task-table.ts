import { toneOf } from './headline.ts'
import { type Html, html } from './html.ts'
import type { RunSummary, TaskSummary, TimedTaskRun } from './run-summary.ts'
import { table } from './table.ts'
import { clock, duration, number, percent } from './words.ts'

const COLUMNS = [
  { title: 'Task' },
  { title: 'Runs', numeric: true },
  { title: 'States' },
  { title: 'Min', numeric: true },
  { title: 'Median', numeric: true },
  { title: 'p95', numeric: true },
  { title: 'Max', numeric: true },
  { title: 'Total', numeric: true },
  { title: 'Share of the work' },
]

/** What each task came to, those that took most first. */
export function taskTable({ tasks, busy }: RunSummary): Html {
  const rows = [...tasks]
    .sort((a, b) => b.busy - a.busy)
    .map((task) => {
      const { durations } = task
      const share = busy > 0 ? task.busy / busy : 0
      return [
        task.task,
        number(task.runs),
        states(task),
        duration(durations.count > 0 ? durations.min : undefined),
        duration(durations.quantile(0.5)),
        duration(durations.quantile(0.95)),
        duration(durations.count > 0 ? durations.max : undefined),
        duration(task.busy),
        html`<span class="share"><span style="width:${(share * 100).toFixed(1)}%"></span></span> ${percent(share)}`,
      ]
    })
  return html`<section aria-labelledby="tasks"><h2 id="tasks">Tasks</h2>
${rows.length > 0 ? table('Tasks, those that took most first', COLUMNS, rows) : html`<p class="empty">The run called no task.</p>`}
</section>`
}

function states({ counts, retries }: TaskSummary): Html {
  const parts = Object.entries(counts).filter(([, count]) => count > 0)
  return html`${parts.map(([state, count]) => html`<span class="count ${toneOf(state)}">${number(count)} ${state}</span> `)}${retries > 0 && html`<span class="count plain">${number(retries)} tried again</span>`}`
}

/** The task runs that took longest. */
export function slowestRuns({ slowest }: RunSummary): Html | undefined {
  if (slowest.length < 2) return undefined
  const columns = [
    { title: 'Task run' },
    { title: 'Took', numeric: true },
    { title: 'State' },
    { title: 'Attempt', numeric: true },
    { title: 'Worker' },
    { title: 'Started' },
  ]
  return html`<section aria-labelledby="slowest"><h2 id="slowest">Slowest task runs</h2>
${table('The task runs that took longest', columns, slowest.map(slowRow))}
</section>`
}

function slowRow({ run, took }: TimedTaskRun): (Html | string | undefined)[] {
  return [
    `${run.task}-${run.seq}`,
    duration(took),
    html`<span class="count ${toneOf(run.state)}">${run.state}</span>`,
    number(run.attempt),
    run.worker ?? 'driver',
    run.started === undefined ? undefined : clock(run.started, true),
  ]
}
