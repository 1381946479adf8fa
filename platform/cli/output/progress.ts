import type { TaskTally } from '@millrace/engine'
import { formatDuration } from '@millrace/sdk'
import { MultiBar, Presets, type SingleBar } from 'cli-progress'

/** Runs shorter than this (ms) show no progress. */
const SHOW_AFTER = 700
const REDRAW_EVERY = 100
/** Where there is no terminal, a line now and then (ms). */
const LINE_EVERY = 5000
const MOST_BARS = 8

export interface ProgressView {
  /** Prints a line without disturbing the bars. */
  log(line: string): void
  stop(): void
}

/**
 * Shows how the tasks of a run come along: a bar for each task that has many calls on a terminal, a line every
 * few seconds elsewhere; with rate and remaining time. Everything goes to standard error.
 */
export function showProgress(tallies: ReadonlyMap<string, TaskTally>): ProgressView {
  return process.stderr.isTTY ? showBars(tallies) : showLines(tallies)
}

/** No progress, log lines only. */
export function noProgress(): ProgressView {
  return { log: (line) => process.stderr.write(`${line}\n`), stop: () => {} }
}

function showBars(tallies: ReadonlyMap<string, TaskTally>): ProgressView {
  const started = Date.now()
  const bars = new Map<string, { bar: SingleBar; began: number }>()
  let multi: MultiBar | undefined
  const draw = (): void => {
    if (Date.now() - started < SHOW_AFTER) return
    for (const [task, tally] of tallies) {
      const { done, total } = standing(tally)
      if (total < 2) continue
      let entry = bars.get(task)
      if (!entry) {
        if (bars.size >= MOST_BARS) continue
        multi ??= new MultiBar(
          {
            format: '{task} {bar} {percentage}% {value}/{total} {rate} {left}',
            hideCursor: true,
            stream: process.stderr,
            fps: 1000 / REDRAW_EVERY,
            barsize: 30,
            emptyOnZero: true,
          },
          Presets.rect,
        )
        entry = {
          bar: multi.create(total, 0, { task: task.padEnd(28).slice(0, 28), rate: '', left: '' }),
          began: started,
        }
        bars.set(task, entry)
      }
      entry.bar.setTotal(total)
      entry.bar.update(Math.min(total, Math.floor(done)), pace(done, total, Date.now() - entry.began))
    }
  }
  const timer = setInterval(draw, REDRAW_EVERY)
  timer.unref()
  return {
    log: (line) => {
      if (multi) multi.log(`${line}\n`)
      else process.stderr.write(`${line}\n`)
    },
    stop: () => {
      clearInterval(timer)
      if (multi) draw()
      multi?.stop()
    },
  }
}

function showLines(tallies: ReadonlyMap<string, TaskTally>): ProgressView {
  const started = Date.now()
  const said = new Map<string, number>()
  const timer = setInterval(() => {
    for (const [task, tally] of tallies) {
      const { done, total } = standing(tally)
      if (total < 2 || said.get(task) === done || (said.get(task) ?? 0) >= total) continue
      said.set(task, done)
      const { rate, left } = pace(done, total, Date.now() - started)
      process.stderr.write(`${task}: ${Math.floor(done)} of ${total} ${rate} ${left}`.trimEnd().concat('\n'))
    }
  }, LINE_EVERY)
  timer.unref()
  return { log: (line) => process.stderr.write(`${line}\n`), stop: () => clearInterval(timer) }
}

/** Calls done, those under way counted by what they say of themselves. */
function standing(tally: TaskTally): { done: number; total: number } {
  let part = 0
  for (const { done, total } of tally.progress.values()) if (total) part += Math.min(1, done / total)
  return { done: tally.done + tally.failed + tally.skipped + part, total: tally.total ?? tally.submitted }
}

function pace(done: number, total: number, ms: number): { rate: string; left: string } {
  if (done === 0 || ms < 200) return { rate: '', left: '' }
  const perSecond = (done / ms) * 1000
  return {
    rate: `${perSecond >= 10 ? Math.round(perSecond).toLocaleString('en') : perSecond.toFixed(1)}/s`,
    left: done >= total ? '' : `${formatDuration(((total - done) / perSecond) * 1000)} left`,
  }
}
