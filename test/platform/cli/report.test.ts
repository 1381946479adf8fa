import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FlowRun, memoryStore, type RunState, type TaskRun } from '@millrace/engine'
import { UserError } from '@millrace/sdk'
import { afterAll, describe, expect, test } from 'vitest'
import { Durations } from '../../../platform/cli/report/durations.ts'
import { gatherRun } from '../../../platform/cli/report/gather.ts'
import { html, json } from '../../../platform/cli/report/html.ts'
import { reportPage } from '../../../platform/cli/report/page.ts'
import { type RunSummary, RunSummaryBuilder } from '../../../platform/cli/report/run-summary.ts'
import { MOST_BARS } from '../../../platform/cli/report/timeline.ts'
import { writeWhole } from '../../../platform/cli/report/write-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'report-'))
afterAll(() => rmSync(folder, { recursive: true }))

const START = Date.UTC(2026, 10, 20, 8)
const HOSTILE = `</script><img src=x onerror="alert(1)">'&`

const flowRun = (more: Partial<FlowRun> = {}): FlowRun => ({
  id: 'k3v9',
  flow: 'predict',
  name: 'predict-7',
  params: {},
  env: 'dev',
  executor: 'cluster',
  labels: [],
  state: 'Completed',
  attempt: 1,
  created: START - 500,
  started: START,
  ended: START + 10_000,
  ...more,
})

const taskRun = (seq: number, more: Partial<TaskRun> = {}): TaskRun => ({
  seq,
  task: 'measure',
  state: 'Completed',
  attempt: 1,
  worker: 'alpha',
  deaths: [],
  created: START,
  started: START + seq * 100,
  ended: START + seq * 100 + 80,
  ...more,
})

const failed = (seq: number, message: string, more: Partial<TaskRun> = {}): TaskRun =>
  taskRun(seq, {
    state: 'Failed',
    failure: { name: 'Error', message, stack: `Error: ${message}\n    at measure` },
    ...more,
  })

interface Made {
  readonly run?: Partial<FlowRun>
  readonly at?: number
  readonly slots?: Record<string, number>
}

function summaryOf(runs: readonly TaskRun[], { run, at = START + 10_000, slots = {} }: Made = {}): RunSummary {
  const builder = new RunSummaryBuilder(flowRun(run), at, new Map(Object.entries(slots)))
  const counts: Record<string, Record<string, number>> = {}
  for (const each of runs) {
    builder.addTaskRun(each)
    const states = counts[each.task] ?? {}
    counts[each.task] = { ...states, [each.state]: (states[each.state] ?? 0) + 1 }
  }
  return builder.finish(counts)
}

const pageOf = (runs: readonly TaskRun[], made?: Made): string => reportPage(summaryOf(runs, made))
const repeat = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))

/** What a reader sees, without the markup. */
const textOf = (page: string): string =>
  page
    .replace(/<(style|script)[^>]*>.*?<\/\1>/gs, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')

/** The part of a page below a heading. */
const section = (page: string, id: string): string =>
  new RegExp(`<section aria-labelledby="${id}">.*?</section>`, 's').exec(page)?.[0] ?? ''

describe('the headline', () => {
  test('says name, state, how long it took, how many tasks, workers, and the parallelism achieved', () => {
    const runs = [
      ...repeat(10, (i) => taskRun(i, { started: START, ended: START + 2000 })),
      taskRun(10, { task: 'write', worker: 'beta', started: START, ended: START + 5000 }),
    ]
    const text = textOf(pageOf(runs))
    expect(text).toContain('Flow run k3v9 of predict predict-7 Completed')
    // 10 × 2 s and 5 s of work in 10 s.
    expect(text).toContain(
      'Took 10 s Task runs 11 of 2 tasks Workers 2 executor: cluster Parallelism 2.5 × 25 s of work',
    )
  })

  test('says why a run failed, with the stack folded away', () => {
    const failure = {
      name: 'TypeError',
      message: 'no such band',
      stack: 'TypeError: no such band\n    at plan',
      hint: 'Try B8.',
    }
    const page = pageOf([], { run: { state: 'Failed', message: 'TypeError: no such band', failure } })
    expect(textOf(page)).toContain('TypeError : no such band Try B8. Stack TypeError: no such band at plan')
  })

  test('says "so far" of a run that is not over, and counts up to now', () => {
    const going = taskRun(1, { state: 'Running', started: START + 1000, ended: undefined })
    const page = pageOf([taskRun(0), going], { run: { state: 'Running', ended: undefined }, at: START + 4000 })
    expect(textOf(page)).toContain('The run is not over: this is what it came to so far, as of 2026-11-20 08:00:04 UTC')
    expect(textOf(page)).toContain('Going for 4.0 s')
    expect(textOf(pageOf([taskRun(0)]))).not.toContain('so far')
  })

  test('gives times with their UTC in the title, for the script to put into the reader’s zone', () => {
    expect(pageOf([])).toContain(
      '<time datetime="2026-11-20T08:00:00.000Z" title="2026-11-20 08:00:00 UTC">2026-11-20 08:00:00 UTC</time>',
    )
  })
})

describe('a page', () => {
  test('escapes whatever people and programs named', () => {
    const page = reportPage({
      ...summaryOf(
        [failed(0, HOSTILE, { task: HOSTILE, worker: HOSTILE }), taskRun(1, { task: HOSTILE, worker: HOSTILE })],
        {
          run: {
            id: HOSTILE,
            flow: HOSTILE,
            name: HOSTILE,
            params: { [HOSTILE]: HOSTILE, deep: { [HOSTILE]: [HOSTILE] } },
            env: HOSTILE,
            driver: HOSTILE,
            labels: [HOSTILE],
            state: 'Failed',
            message: HOSTILE,
            failure: { name: HOSTILE, message: HOSTILE, stack: HOSTILE, hint: HOSTILE },
          },
        },
      ),
      log: {
        total: 1,
        lines: [
          { id: 1, time: START, level: 'warn', source: HOSTILE, message: HOSTILE, fields: { [HOSTILE]: HOSTILE } },
        ],
      },
    })
    expect(page).not.toContain('<img')
    expect(page.match(/<script/g)).toHaveLength(2)
    expect(page.match(/<\/script>/g)).toHaveLength(2)
    // Every attribute is closed where it should be.
    expect(page).not.toMatch(/onerror="/)
  })

  test('asks nothing of the network and lets no other script run', () => {
    const page = pageOf([taskRun(0)])
    const policy = /Content-Security-Policy" content="(.*?)"/.exec(page)?.[1]?.replaceAll('&#39;', "'")
    const script = /<script>(.*?)<\/script>/s.exec(page)?.[1] ?? ''
    const hash = createHash('sha256').update(script).digest('base64')
    expect(policy).toBe(`default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'`)
    expect(page).not.toMatch(/https?:|@import|url\(|src=|<link|fetch\(/)
  })

  test('of a thousand task runs stays below 150 KB', () => {
    const runs = repeat(1000, (i) =>
      taskRun(i, { worker: `worker-${i % 8}`, started: START + i * 37, ended: START + i * 37 + 91 }),
    )
    expect(pageOf(runs).length).toBeLessThan(150_000)
  })

  test('of a run without tasks says so, and draws nothing', () => {
    const page = pageOf([], { run: { params: {} } })
    expect(textOf(page)).toContain('Task runs 0')
    expect(textOf(page)).toContain('The run called no task.')
    expect(textOf(page)).toContain('None were given.')
    expect(page).not.toContain('<canvas')
  })

  test('of a run that never started has no duration', () => {
    const page = pageOf([], { run: { state: 'Cancelled', started: undefined, ended: START } })
    expect(textOf(page)).toMatch(/Took – .*Parallelism – .*Created 2026-11-20 07:59:59 UTC , not started/)
  })

  test('has headings, captions and scopes for those who hear it, and the chart as a table', () => {
    const page = pageOf([taskRun(0), taskRun(1)])
    expect(page.match(/<h1>/g)).toHaveLength(1)
    expect(page.match(/<table>/g)?.length).toBe(page.match(/<caption>/g)?.length)
    expect(page).toContain('<html lang="en">')
    expect(page).toMatch(/<canvas [^>]*role="img"[^>]*aria-label="Timeline of 2 task runs in 1 lane/)
    expect(textOf(section(page, 'timeline'))).toMatch(/The timeline as a table .* alpha 1 2 160 ms 2% 0 ms 180 ms/)
  })
})

describe('the tasks', () => {
  test('are told with states, attempts, quantiles and their share of the work, the heaviest first', () => {
    const runs = [
      ...repeat(100, (i) => taskRun(i, { ended: START + i * 100 + i + 1 })),
      failed(100, 'x', { attempt: 3, ended: START + 10_000 + 50 }),
      taskRun(101, { task: 'write', started: START, ended: START + 15_150 }),
      taskRun(102, { task: 'wait', state: 'Pending', started: undefined, ended: undefined, worker: undefined }),
    ]
    const text = textOf(section(pageOf(runs), 'tasks'))
    expect(text).toMatch(/write 1 1 Completed 15 s 15 s 15 s 15 s 15 s 75% measure/)
    expect(text).toMatch(/measure 101 100 Completed 1 Failed 2 tried again 1 ms 50 ms 95 ms 100 ms 5\.1 s 25%/)
    expect(text).toContain('wait 1 1 Pending – – – – 0 ms 0%')
  })

  test('that were reused took no time', () => {
    const summary = summaryOf([taskRun(0, { state: 'Cached', started: START, ended: START + 9000 })])
    expect(summary.busy).toBe(0)
    expect(summary.workers).toEqual([])
  })

  test('have their ten slowest runs named, slowest first', () => {
    const runs = repeat(50, (i) => taskRun(i, { ended: START + i * 100 + ((i * 7) % 50) }))
    const { slowest } = summaryOf(runs)
    expect(slowest.map(({ took }) => took)).toEqual([49, 48, 47, 46, 45, 44, 43, 42, 41, 40])
    expect(textOf(section(pageOf(runs), 'slowest'))).toContain('measure-7 49 ms Completed 1 alpha')
  })
})

describe('durations', () => {
  test('have exact quantiles below ten seconds', () => {
    const durations = new Durations()
    for (const ms of [5, 1, 4, 2, 3, 9999]) durations.add(ms)
    expect([0, 0.5, 0.95, 1].map((part) => durations.quantile(part))).toEqual([1, 3, 9999, 9999])
  })

  test('have quantiles to a thousandth above, never beyond the longest', () => {
    const durations = new Durations()
    for (let ms = 1_000_000; ms <= 2_000_000; ms += 7) durations.add(ms)
    expect((durations.quantile(0.5) ?? 0) / 1_500_000).toBeCloseTo(1, 3)
    expect(durations.quantile(1)).toBe(durations.max)
  })

  test('that were never counted have none', () => {
    expect(new Durations().quantile(0.5)).toBeUndefined()
  })
})

describe('the timeline', () => {
  test('gives each worker as many lanes as it ran tasks at once', () => {
    const at = (seq: number, from: number, to: number, worker = 'alpha'): TaskRun =>
      taskRun(seq, { worker, started: START + from, ended: START + to })
    const { timeline } = summaryOf([
      at(0, 0, 100),
      at(1, 50, 150),
      at(2, 100, 200),
      at(3, 0, 10, 'w10'),
      at(4, 0, 10, 'w9'),
    ])
    expect(timeline.kind).toBe('bars')
    if (timeline.kind !== 'bars') return
    expect(timeline.lanes.map(({ worker, number }) => `${worker} ${number}`)).toEqual([
      'alpha 1',
      'alpha 2',
      'w9 1',
      'w10 1',
    ])
    expect(timeline.bars.map(({ seq, lane }) => [seq, lane])).toEqual([
      [0, 0],
      [4, 2],
      [3, 3],
      [1, 1],
      [2, 0],
    ])
  })

  test('draws of the task runs that a worker holds only as many as it has slots', () => {
    const held = repeat(50, (i) => taskRun(10 + i, { state: 'Running', started: START + 900, ended: undefined }))
    const runs = [taskRun(0, { started: START, ended: START + 1000 }), ...held]
    const summary = summaryOf(runs, {
      run: { state: 'Running', ended: undefined },
      at: START + 3000,
      slots: { alpha: 2 },
    })
    // One slot is free since the claim, the other since its last task ended.
    expect(summary.busy).toBe(1000 + 2100 + 2000)
    expect(summary.timeline.lanes).toHaveLength(2)
    expect(textOf(section(reportPage(summary), 'workers'))).toContain('holds 48 task runs to run next')
  })

  test('draws more task runs than can be told apart as a density, and says so', () => {
    const runs = repeat(MOST_BARS + 1, (i) =>
      taskRun(i, { worker: i % 2 ? 'a' : 'b', started: START + (i % 7001), ended: START + (i % 7001) + 1000 }),
    )
    const summary = summaryOf(runs)
    expect(summary.timeline.kind).toBe('density')
    if (summary.timeline.kind !== 'density') return
    const [lane] = summary.timeline.lanes
    const { bin } = summary.timeline
    // Work is neither lost nor made up.
    expect((lane?.density ?? []).reduce((sum, value) => sum + value * bin, 0)).toBeCloseTo((MOST_BARS / 2) * 1000, -4)
    const page = reportPage(summary)
    expect(textOf(page)).toContain('20,001 task runs are too many to draw one by one')
    expect(page.length).toBeLessThan(100_000)
  })

  test('tells failed task runs from others', () => {
    const page = pageOf([taskRun(0), failed(1, 'x')])
    expect(section(page, 'timeline')).toContain('<span class="key failed">')
    const data: unknown = JSON.parse(/id="data">(.*?)<\/script>/s.exec(page)?.[1] ?? '')
    expect(data).toMatchObject({
      from: [0, 100],
      took: [80, 80],
      task: [0, 0],
      lane: [0, 0],
      seq: [0, 1],
      mark: [[1, 1]],
    })
  })
})

describe('failures', () => {
  test('that say the same but for numbers stand together, the most frequent first', () => {
    const runs = [
      failed(0, 'disk full'),
      ...repeat(12, (i) => failed(i + 1, `tile ${i}: not there`)),
      failed(20, 'tile 3: not there', { task: 'other' }),
    ]
    const { groups, total } = summaryOf(runs).failures
    expect(total).toBe(14)
    expect(groups.map(({ task, seqs }) => `${task} ${seqs.length}`)).toEqual(['measure 12', 'measure 1', 'other 1'])
    const text = textOf(section(pageOf(runs), 'failures'))
    expect(text).toContain('12 × measure Error: tile 0: not there measure-1, measure-2,')
    expect(text).toContain('and 4 more')
    expect(text).toContain('Error: tile 0: not there at measure')
  })

  test('are looked into up to the fiftieth', () => {
    const page = pageOf(repeat(80, (i) => failed(i, `reason ${String.fromCharCode(97 + (i % 26))}`)))
    expect(textOf(section(page, 'failures'))).toContain('80 task runs failed. The first 50 are shown.')
    expect(section(page, 'failures').match(/<details/g)).toHaveLength(26)
  })

  test('show what caused them', () => {
    const failure = { name: 'Error', message: 'a', stack: 'Error: a', cause: { name: 'Error', message: 'b' } }
    expect(textOf(pageOf([taskRun(0, { state: 'Crashed', failure })]))).toContain('Error: a caused by Error: b')
  })

  test('are no section of a run where nothing failed', () => {
    expect(section(pageOf([taskRun(0)]), 'failures')).toBe('')
  })
})

test('the log shows the last 200 warnings and errors', () => {
  const builder = new RunSummaryBuilder(flowRun(), START)
  for (let id = 0; id < 1001; id++) {
    builder.addLog({
      id,
      time: START + id,
      level: 'error',
      source: 'measure-3',
      message: `line ${id}.`,
      fields: { band: 'B8' },
    })
  }
  const text = textOf(section(reportPage(builder.finish({})), 'log'))
  expect(text).toContain('The last 200 of 1,001 lines.')
  expect(text).toContain('08:00:01.000 error measure-3 line 1000. band=B8')
  expect(text).toContain('line 801.')
  expect(text).not.toContain('line 800.')
})

test('workers that died are remembered', () => {
  const text = textOf(section(pageOf([taskRun(0, { deaths: ['beta', 'beta'] })]), 'workers'))
  expect(text).toMatch(/alpha 1 80 ms 0\.0 .* beta 0 0 ms 0\.0 died with 2 task runs/)
})

test('long parameters are cut', () => {
  const text = textOf(section(pageOf([], { run: { params: { ids: 'x'.repeat(5000) } } }), 'parameters'))
  expect(text).toContain('x… (3,000 more characters)')
})

test('a million task runs take bounded memory', () => {
  const builder = new RunSummaryBuilder(flowRun({ ended: START + 1_000_000 }), START)
  for (let seq = 0; seq < 1_000_000; seq++) {
    builder.addTaskRun(taskRun(seq, { worker: `w${seq % 50}`, started: START + seq, ended: START + seq + (seq % 977) }))
  }
  const page = reportPage(builder.finish({ measure: { Completed: 1_000_000 } }))
  expect(textOf(page)).toContain('Task runs 1,000,000')
  expect(page.length).toBeLessThan(500_000)
})

test('a run is read from its store page by page', async () => {
  const store = memoryStore()
  const created = await store.createRun({ flow: 'x', name: 'x-1', params: {}, env: 'dev', executor: 'threads' })
  const { run } = await store.takeRun(created.id)
  await store.recordTasks(
    run.id,
    repeat(12_000, (seq) => ({
      seq,
      key: new Uint8Array([seq & 255, (seq >> 8) & 255]),
      task: 'measure',
      state: 'Completed' as const,
      attempt: 1,
      created: START,
      started: START + seq,
      ended: START + seq + 1,
      result: undefined,
      failure: undefined,
    })),
  )
  await store.appendLogs(run.id, [
    { time: START, level: 'info', source: 'flow', message: 'fine' },
    { time: START, level: 'warn', source: 'flow', message: 'careful' },
  ])
  const summary = await gatherRun(store, run)
  expect(summary.tasks).toMatchObject([{ task: 'measure', runs: 12_000, durations: { count: 12_000 } }])
  expect(summary.log.lines.map(({ message }) => message)).toEqual(['careful'])
  expect(summary.run.state).toBe('Running' satisfies RunState)
  // Without a worker it is the driver's own threads that ran them.
  expect(summary.workers).toMatchObject([{ worker: 'driver', runs: 12_000 }])
  await store.close()
})

describe('templates', () => {
  test('escape everything but markup, and drop control characters', () => {
    expect(html`<p title="${'"<&>\''}">${html`<b>${1}</b>`}${[false, undefined, 'x\u0000\u001b[31m\n']}</p>`.text).toBe(
      '<p title="&quot;&lt;&amp;&gt;&#39;"><b>1</b>x\ufffd\ufffd[31m\n</p>',
    )
  })

  test('hold data that cannot end its element and reads back the same', () => {
    const data = { text: '</script><!--\u2028&' }
    expect(json(data).text).not.toMatch(/[<>&\u2028]/)
    expect(JSON.parse(json(data).text)).toEqual(data)
  })
})

describe('writing the file', () => {
  test('replaces an earlier one as a whole and leaves nothing else behind', async () => {
    const path = join(folder, 'run.html')
    writeFileSync(path, 'before')
    await writeWhole(path, 'after', '--out')
    expect(readFileSync(path, 'utf8')).toBe('after')
    expect(readdirSync(folder)).toEqual(['run.html'])
  })

  test('to where it cannot be is the user’s mistake, in one line', async () => {
    mkdirSync(join(folder, 'taken'))
    const mistakes = [
      [join(folder, 'gone', 'run.html'), 'the folder does not exist'],
      [join(folder, 'taken'), 'it is a folder'],
      [join(folder, 'run.html', 'x.html'), 'its folder is a file'],
    ] as const
    for (const [path, why] of mistakes) {
      await expect(writeWhole(path, 'x', '--out')).rejects.toThrow(new UserError(`--out: cannot write ${path}: ${why}`))
    }
    expect(readdirSync(folder).sort()).toEqual(['run.html', 'taken'])
  })
})
