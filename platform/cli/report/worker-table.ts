import { type Html, html } from './html.ts'
import type { RunSummary } from './run-summary.ts'
import { table } from './table.ts'
import { clock, counted, duration, number } from './words.ts'

const MOST_WORKERS = 200

const COLUMNS = [
  { title: 'Worker' },
  { title: 'Task runs', numeric: true },
  { title: 'Time at work', numeric: true },
  { title: 'At once, on average', numeric: true },
  { title: 'First task' },
  { title: 'Last task' },
  { title: 'Remarks' },
]

/** Who ran the tasks. */
export function workerTable({ workers, wall }: RunSummary): Html | undefined {
  if (workers.length === 0) return undefined
  const rows = workers
    .slice(0, MOST_WORKERS)
    .map(({ worker, runs, busy, first, last, deaths, waiting }) => [
      worker,
      number(runs),
      duration(busy),
      wall ? (busy / wall).toFixed(1) : '–',
      runs > 0 && clock(first, true),
      runs > 0 && clock(last, true),
      [
        ...(deaths > 0 ? [`died with ${counted(deaths, 'task run')}`] : []),
        ...(waiting > 0 ? [`holds ${counted(waiting, 'task run')} to run next`] : []),
      ].join(', '),
    ])
  return html`<section aria-labelledby="workers"><h2 id="workers">Workers</h2>
${workers.length > MOST_WORKERS && html`<p>The first ${MOST_WORKERS} of ${number(workers.length)}.</p>`}
${table('Workers that ran tasks', COLUMNS, rows)}
</section>`
}
