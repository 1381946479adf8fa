import type { Point } from './read-output.ts'
import { ticks } from './scale.ts'
import { escapeHtml, month, number, shortMonth, year } from './text.ts'

const [WIDTH, HEIGHT] = [520, 260]
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 16, 16, 40]

/** A month with less than this share of the usual number of places is not drawn: it says nothing about all of them. */
const LEAST_SHARE = 0.05

/** Months that are drawn, and those with too few places to be. */
export function usualPoints(points: readonly Point[]): { shown: readonly Point[]; left: readonly Point[] } {
  const counts = points.map((point) => point.count).sort((a, b) => a - b)
  const usual = counts[Math.floor(counts.length / 2)] ?? 0
  const isUsual = (point: Point): boolean => point.mean !== undefined && point.count >= usual * LEAST_SHARE
  return { shown: points.filter(isUsual), left: points.filter((point) => !isUsual(point)) }
}

/** A time series as an SVG line chart. */
export function lineChart(points: readonly Point[], title: string, unit: string): string {
  const means = points.map((point) => point.mean ?? 0)
  const marks = ticks(Math.min(0, ...means), Math.max(0, ...means), 4)
  const [least, most] = [marks[0] ?? 0, marks.at(-1) ?? 1]
  const [from, to] = [points[0]?.timestamp ?? 0, points.at(-1)?.timestamp ?? 1]
  const x = (timestamp: number): number => LEFT + ((WIDTH - LEFT - RIGHT) * (timestamp - from)) / (to - from || 1)
  const y = (value: number): number => TOP + ((HEIGHT - TOP - BOTTOM) * (most - value)) / (most - least)
  const at = (point: Point): string => `${x(point.timestamp).toFixed(1)},${y(point.mean ?? 0).toFixed(1)}`
  const line = points.map((point, index) => `${index === 0 ? 'M' : 'L'}${at(point)}`).join('')
  const area = `${line}L${x(to).toFixed(1)},${y(0)}L${x(from).toFixed(1)},${y(0)}Z`
  const describe = (point: Point): string => `${month(point.timestamp)}: ${number(point.mean ?? 0)} ${unit}`.trim()
  const label = `${title} by month. ${points.map(describe).join('; ')}.`
  const every = Math.max(1, Math.ceil(points.length / 8))
  return `<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(label)}">
${marks
  .map(
    (mark) =>
      `<line class="${mark === 0 ? 'axis' : 'grid'}" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(mark)}" y2="${y(mark)}"/>` +
      `<text x="${LEFT - 8}" y="${y(mark) + 4}" text-anchor="end">${number(mark)}</text>`,
  )
  .join('\n')}
<path class="area" d="${area}"/><path class="line" d="${line}"/>
${points
  .map((point, index) => {
    const [left, top] = at(point).split(',')
    const isFirst = index === 0 || year(point.timestamp) !== year(points[index - 1]?.timestamp ?? 0)
    const name =
      index % every === 0
        ? `<text x="${left}" y="${HEIGHT - 20}" text-anchor="middle">${shortMonth(point.timestamp)}</text>` +
          (isFirst
            ? `<text class="year" x="${left}" y="${HEIGHT - 4}" text-anchor="middle">${year(point.timestamp)}</text>`
            : '')
        : ''
    return `<circle class="dot" cx="${left}" cy="${top}" r="4"><title>${escapeHtml(describe(point))}</title></circle>${name}`
  })
  .join('\n')}
</svg>`
}
