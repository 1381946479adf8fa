import { type Html, html, json } from './html.ts'
import type { RunSummary } from './run-summary.ts'
import { table } from './table.ts'
import type { Timeline } from './timeline.ts'
import { counted, duration, number, percent } from './words.ts'

/** Colours there are for tasks; further tasks share the last one. */
export const COLORS = 9

/** When which task run was at work on which worker: drawn by the page's script, and as a table. */
export function timelineSection({ timeline }: RunSummary): Html | undefined {
  if (timeline.lanes.length === 0) return undefined
  return html`<section aria-labelledby="timeline"><h2 id="timeline">Timeline</h2>
<p class="hint">${explain(timeline)}</p>
${timeline.kind === 'bars' && legend(timeline)}
<div class="chart">
<canvas id="chart" role="img" tabindex="0" aria-label="${describe(timeline)}"></canvas>
<div id="tip" hidden></div>
</div>
<p class="zoom"><button type="button" id="reset" hidden>Show all</button><span class="hint">Drag over the chart to look closer; on the keyboard, + and −, arrows, 0.</span></p>
<details><summary>The timeline as a table</summary>
${asTable(timeline)}
</details>
<script type="application/json" id="data">${json(forScript(timeline))}</script>
</section>`
}

function explain(timeline: Timeline): string {
  if (timeline.kind === 'bars') {
    return 'One bar for each task run. A worker has as many lanes as it ran tasks at once.'
  }
  const some =
    timeline.lanes.length < timeline.workers
      ? `, the busiest ${number(timeline.lanes.length)} of ${number(timeline.workers)} workers`
      : ''
  return `${counted(timeline.shown, 'task run')} are too many to draw one by one: the height says how many ran at the same time on each worker, on average over ${duration(timeline.bin)}${some}.`
}

function legend({ tasks, bars }: Extract<Timeline, { kind: 'bars' }>): Html {
  const named = tasks.slice(0, tasks.length > COLORS ? COLORS - 1 : COLORS)
  return html`<ul class="legend">
${named.map((task, index) => html`<li><span class="key c${index}"></span>${task}</li>\n`)}${tasks.length > named.length && html`<li><span class="key c${COLORS - 1}"></span>${counted(tasks.length - named.length, 'other task')}</li>\n`}${bars.some(({ mark }) => mark === 'failed') && html`<li><span class="key failed"></span>failed</li>`}</ul>`
}

function describe(timeline: Timeline): string {
  const count = timeline.kind === 'bars' ? timeline.bars.length : timeline.shown
  return `Timeline of ${counted(count, 'task run')} in ${counted(timeline.lanes.length, 'lane')} over ${duration(timeline.length)}. The same as a table follows.`
}

function asTable(timeline: Timeline): Html {
  if (timeline.kind === 'density') {
    return table(
      'Tasks at once by worker',
      [{ title: 'Worker' }, { title: 'On average', numeric: true }, { title: 'At most', numeric: true }],
      timeline.lanes.map(({ worker, density }) => [
        worker,
        (density.reduce((sum, each) => sum + each, 0) / density.length).toFixed(1),
        Math.max(...density).toFixed(1),
      ]),
    )
  }
  const sums = timeline.lanes.map(() => ({ runs: 0, busy: 0, first: Number.POSITIVE_INFINITY, last: 0 }))
  for (const { lane, from, to } of timeline.bars) {
    const sum = sums[lane]
    if (!sum) continue
    sum.runs++
    sum.busy += to - from
    sum.first = Math.min(sum.first, from)
    sum.last = Math.max(sum.last, to)
  }
  return table(
    'Task runs by lane',
    [
      { title: 'Lane' },
      { title: 'Task runs', numeric: true },
      { title: 'At work', numeric: true },
      { title: 'Of the time', numeric: true },
      { title: 'First begins after', numeric: true },
      { title: 'Last ends after', numeric: true },
    ],
    timeline.lanes.map(({ worker, number: at }, index) => {
      const { runs, busy, first, last } = sums[index] ?? { runs: 0, busy: 0, first: 0, last: 0 }
      return [
        `${worker} ${at}`,
        number(runs),
        duration(busy),
        percent(busy / timeline.length),
        duration(first),
        duration(last),
      ]
    }),
  )
}

/** The same data, small: bars as columns of whole numbers, begins as the distance to the one before. */
function forScript(timeline: Timeline): unknown {
  const { origin, length, tasks } = timeline
  if (timeline.kind === 'density') {
    const lanes = timeline.lanes.map(({ worker, density }) => ({
      name: worker,
      density: density.map((value) => Number(value.toFixed(2))),
    }))
    return { origin, length, tasks, bin: timeline.bin, lanes }
  }
  const { bars } = timeline
  const marks = { failed: 1, going: 2 } as const
  return {
    origin,
    length,
    tasks,
    lanes: timeline.lanes.map(({ worker, number: at }) => ({ name: worker, number: at })),
    from: bars.map(({ from }, index) => Math.round(from) - Math.round(bars[index - 1]?.from ?? 0)),
    took: bars.map(({ from, to }) => Math.round(to) - Math.round(from)),
    task: bars.map(({ task }) => task),
    lane: bars.map(({ lane }) => lane),
    seq: bars.map(({ seq }) => seq),
    mark: bars.flatMap(({ mark }, index) => (mark ? [[index, marks[mark]]] : [])),
  }
}
