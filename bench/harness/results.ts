import { type Bar, isMet, type Row } from './benchmark.ts'
import { median } from './statistics.ts'

/** What the repetitions gave for one metric. */
export interface Measured {
  readonly metric: string
  readonly unit: string
  readonly median: number
  readonly min: number
  readonly max: number
  readonly samples: readonly number[]
  readonly bar?: Bar
  /** Whether the median keeps to the bar. */
  readonly met?: boolean
  readonly note?: string
}

/** One pass through a benchmark. */
export interface Repetition {
  readonly rows: readonly Row[]
  /** Share of the processors that other programs took meanwhile, 0 to 1; undefined where that cannot be known. */
  readonly others: number | undefined
}

export interface BenchmarkResult {
  readonly name: string
  readonly what: string
  readonly seconds: number
  /** {@link Repetition.others}, for each repetition that counts. */
  readonly others: readonly (number | undefined)[]
  /** Repetitions that do not count, as other programs disturbed them more than the others. */
  readonly disturbed: number
  readonly rows: readonly Measured[]
  /** Why it was left out, or how it broke. */
  readonly skipped?: string
  readonly error?: string
}

/** The repetitions during which other programs took least: a choice by disturbance, whatever the numbers say. */
export function leastDisturbed(repetitions: readonly Repetition[], count: number): Repetition[] {
  return [...repetitions].sort((a, b) => (a.others ?? 0) - (b.others ?? 0)).slice(0, count)
}

/** Puts the rows of all repetitions together, by metric. */
export function summarize(repetitions: readonly Repetition[]): Measured[] {
  const metrics = Map.groupBy(
    repetitions.flatMap(({ rows }) => rows),
    (row) => row.metric,
  )
  return [...metrics].map(([metric, rows]) => {
    const samples = rows.map((row) => row.value)
    const { unit = '', bar, note } = rows.at(-1) ?? {}
    const middle = median(samples)
    return {
      metric,
      unit,
      median: middle,
      min: Math.min(...samples),
      max: Math.max(...samples),
      samples,
      ...(bar && { bar, met: isMet(bar, middle) }),
      ...(note !== undefined && { note }),
    }
  })
}

/** The result of one benchmark, for a person to read. */
export function formatResult({
  name,
  what,
  seconds,
  others,
  disturbed,
  rows,
  skipped,
  error,
}: BenchmarkResult): string {
  const head = `\n${name}: ${what}`
  if (skipped !== undefined) return `${head}\n  skipped: ${skipped}\n`
  const known = others.filter((share) => share !== undefined)
  const busy =
    known.length > 0
      ? `, others took ${percent(median(known))} of the processors (${percent(Math.max(...known))} at most)`
      : ''
  const cells = rows.map((row) => [
    row.metric,
    row.samples.length > 1
      ? `${number(row.median)} (${number(row.min)} – ${number(row.max)}) ${row.unit}`
      : `${number(row.median)} ${row.unit}`,
    row.bar ? describeBar(row.bar) : '',
    row.met === undefined ? '' : row.met ? 'met' : 'NOT MET',
    row.note ?? '',
  ])
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...cells.map((row) => row[column]?.length ?? 0)))
  const lines = cells.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  )
  const left = disturbed > 0 ? ` (${disturbed} more were left out as disturbed)` : ''
  const tail = `  ${others.length} repetitions${left} in ${seconds.toFixed(0)} s${busy}`
  return [head, ...lines, ...(error === undefined ? [] : [`  FAILED: ${error}`]), tail, ''].join('\n')
}

function describeBar(bar: Bar): string {
  if ('over' in bar) return `over ${number(bar.over)}`
  if ('under' in bar) return `under ${number(bar.under)}`
  return `exactly ${number(bar.exactly)}`
}

function number(value: number): string {
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
