import type { z } from 'zod'
import type { DatacubeSummary } from '../make-datacube.ts'
import type { reportText } from '../report.ts'
import { lineChart, usualPoints } from './line-chart.ts'
import { colourOf, legend, map, mapShapes, paletteOf } from './map.ts'
import { type MapView, mapView } from './map-view.ts'
import type { ExtremeRow, FeatureOutput, Output, Split } from './read-output.ts'
import { scaleOf } from './scale.ts'
import { STYLE } from './style.ts'
import {
  commonRegion,
  count,
  escapeHtml,
  month,
  number,
  numbersLike,
  regionName,
  shortMonth,
  size,
  year,
} from './text.ts'

type Text = z.output<typeof reportText>

/** How a feature is called in the page. */
interface Label {
  readonly title: string
  readonly unit: string
  readonly diverging: boolean | undefined
}

/** Values of a qualifier that a table still shows well. */
const MOST_VALUES = 12
const MOST_BARS = 10
/** Months that a table still shows well: the latest. */
const MOST_MONTHS = 12

/** The whole report as HTML. */
export function page(output: Output, text: Text, summary?: DatacubeSummary): string {
  const title = text.title ?? `${output.model} / ${output.run}`
  const features = output.features.map((feature) => ({ feature, label: labelOf(feature.name, text) }))
  const layer = output.features.find(({ tiles }) => tiles !== undefined)?.tiles
  // The widest layer decides: all maps show the same part of the world.
  const view = layer && mapView(layer, output.countries)
  const sections = [
    view ? mapShapes(view) : '',
    headline(output, summary),
    pairs(features.map(({ feature, label }) => series(feature, label))),
    ...features.map(({ feature, label }) => tileMap(feature, label, view)),
    pairs(features.map(({ feature, label }) => ranking(feature, label))),
    ...features.flatMap(({ feature, label }) => feature.splits.map((split) => heatTable(split, label))),
    extremes(features),
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="${escapeHtml(text.subtitle ?? title)}">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<h1>${escapeHtml(title)}</h1>
${text.subtitle ? `<p>${escapeHtml(text.subtitle)}</p>` : ''}
</header>
${sections.filter(Boolean).join('\n')}
${footer(output, text)}
</main>
</body>
</html>
`
}

function labelOf(name: string, text: Text): Label {
  const own = Object.hasOwn(text.features, name) ? text.features[name] : undefined
  return { title: own?.title ?? name, unit: own?.unit ?? '', diverging: own?.diverging }
}

function headline(output: Output, summary?: DatacubeSummary): string {
  const { data_info: info } = output.results
  const seconds = summary && Object.values(summary.seconds).reduce((sum, one) => sum + one, 0)
  const numbers: [name: string, value: string][] = [
    ['Rows read', count(info.num_rows)],
    [info.features.length === 1 ? 'Feature' : 'Features', count(info.features.length)],
    ...(output.regions > 0 ? [['Regions', count(output.regions)] as [string, string]] : []),
    ['Months', count(Math.max(0, ...Object.values(info.month_timeseries_size)))],
    ['Files written', count(output.files)],
    ['Data written', size(output.bytes)],
    ...(seconds === undefined ? [] : [['Time taken', `${number(seconds)} s`] as [string, string]]),
  ]
  const items = numbers.map(([name, value]) => `<div><dt>${name}</dt><dd>${escapeHtml(value)}</dd></div>`)
  return `<dl class="numbers">${items.join('')}</dl>`
}

/** Two cards side by side where there is room. */
function pairs(cards: readonly string[]): string {
  const some = cards.filter(Boolean)
  return some.length === 0 ? '' : `<div class="pair">${some.join('\n')}</div>`
}

function heading(title: string, explanation: string): string {
  return `<h2>${escapeHtml(title)}</h2><p class="soft small">${escapeHtml(explanation)}</p>`
}

function inUnit(label: Label): string {
  return label.unit ? `, in ${label.unit}` : ''
}

function series({ points }: FeatureOutput, label: Label): string {
  const { shown, left } = usualPoints(points)
  if (shown.length === 0) return ''
  const [first] = left
  const note = first
    ? `<p class="soft small">Left out, for it has few values: ${left.map((point) => `${month(point.timestamp)} (${count(point.count)} of usually ${count(shown[0]?.count ?? 0)})`).join(', ')}.</p>`
    : ''
  return `<section>${heading(`${label.title} by month`, `Mean of all places${inUnit(label)}`)}
${lineChart(shown, label.title, label.unit)}${note}</section>`
}

function tileMap({ tiles }: FeatureOutput, label: Label, view: MapView | undefined): string {
  if (!tiles || !view) return ''
  const scale = scaleOf(
    tiles.cells.map(({ mean }) => mean),
    label.diverging,
  )
  const where = `${year(tiles.timestamp)}. Mean of each map cell${inUnit(label)}`
  const hidden = tiles.cells.filter((cell) => view.cell(cell) === undefined).length
  const note = [
    `${count(tiles.cells.length)} cells of zoom ${tiles.zoom}, decoded from ${tiles.tiles === 1 ? 'one tile' : `${tiles.tiles} tiles`}`,
    ...(hidden > 0 ? [`${hidden} of them outside this map`] : []),
  ].join('; ')
  return `<section>${heading(`${label.title} on the map`, where)}
${map(tiles, view, scale, label.title, label.unit)}
${legend(scale, label.unit)}
<p class="soft small note">${note}.</p></section>`
}

function ranking({ regions }: FeatureOutput, label: Label): string {
  if (!regions) return ''
  const top = regions.list.slice(0, MOST_BARS)
  const most = Math.max(...top.map(({ mean }) => Math.abs(mean)), Number.MIN_VALUE)
  const format = numbersLike(top.map(({ mean }) => mean))
  const common = commonRegion(regions.list.map(({ id }) => id))
  const bars = top.map(
    ({ id, mean }) =>
      `<li><span title="${escapeHtml(regionName(id))}">${escapeHtml(regionName(id, common))}</span><span><span class="bar" style="display:block;width:${((100 * Math.abs(mean)) / most).toFixed(1)}%"></span></span><b>${format(mean)}</b></li>`,
  )
  const explanation = `Highest mean of ${count(regions.list.length)} regions (${regions.level})${inUnit(label)}`
  return `<section>${heading(`${label.title}: where it is highest`, explanation)}<ol class="bars">${bars.join('')}</ol></section>`
}

function heatTable({ qualifier, values, rows }: Split, label: Label): string {
  if (values.length === 0 || values.length > MOST_VALUES) return ''
  const usual = rows.filter(({ means }) => means.filter((mean) => mean !== undefined).length * 2 > values.length)
  const months = usual.slice(-MOST_MONTHS)
  const all = months.flatMap(({ means }) => means.filter((mean) => mean !== undefined))
  if (all.length === 0) return ''
  const scale = scaleOf(all, label.diverging)
  const order = inNaturalOrder(values)
  const format = numbersLike(all)
  const head = months.map(
    ({ timestamp }) => `<th scope="col" title="${month(timestamp)}">${shortMonth(timestamp)}</th>`,
  )
  const body = order.map((value) => {
    const index = values.indexOf(value)
    const cells = months.map(({ means }) => {
      const mean = means[index]
      return mean === undefined
        ? '<td></td>'
        : `<td class="c${colourOf(scale, scale.classOf(mean))}">${format(mean)}</td>`
    })
    return `<tr><th scope="row">${escapeHtml(value)}</th>${cells.join('')}</tr>`
  })
  return `<section>${heading(`${label.title} by ${qualifier}`, `Mean of all places${inUnit(label)}`)}
<div class="scroll"><table class="heat ${paletteOf(scale)}"><thead><tr><td></td>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div></section>`
}

const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']

/** Days of the week by the week, everything else by name. */
function inNaturalOrder(values: readonly string[]): string[] {
  const day = (value: string): number => DAYS.indexOf(value.toLowerCase())
  const areDays = values.every((value) => day(value) >= 0)
  return [...values].sort((a, b) => (areDays ? day(a) - day(b) : a.localeCompare(b, 'en', { numeric: true })))
}

function extremes(features: readonly { feature: FeatureOutput; label: Label }[]): string {
  const groups = features.flatMap(({ feature, label }) => {
    const levels = [...new Set(feature.extremes.map(({ level }) => level))]
    const rows = levels.map((level) => {
      const of = (extreme: ExtremeRow['extreme']): string =>
        extremeCell(feature.extremes.find((one) => one.level === level && one.extreme === extreme))
      return `<tr><th scope="row">${level}</th><td>${of('min')}</td><td>${of('max')}</td></tr>`
    })
    const title = escapeHtml(`${label.title}${inUnit(label)}`)
    return rows.length === 0
      ? []
      : [`<tbody><tr class="group"><th colspan="3" scope="rowgroup">${title}</th></tr>${rows.join('')}</tbody>`]
  })
  if (groups.length === 0) return ''
  return `<section>${heading('Extremes', 'The region and month with the lowest and the highest mean, for each region level')}
<div class="scroll"><table><thead><tr><th scope="col">Level</th><th scope="col">Lowest</th><th scope="col">Highest</th></tr></thead>${groups.join('')}</table></div></section>`
}

function extremeCell(extreme: ExtremeRow | undefined): string {
  if (!extreme) return ''
  const ties = extreme.ties > 0 ? `, and ${extreme.ties} more` : ''
  const where = `${regionName(extreme.region)}, ${month(extreme.timestamp)}${ties}`
  return `<b>${number(extreme.value)}</b><br><span class="soft small">${escapeHtml(where)}</span>`
}

function footer(output: Output, text: Text): string {
  const source = text.source ? `<p>Data: ${escapeHtml(text.source)}.</p>` : ''
  const { data_info: info } = output.results
  const odd = [
    [info.num_missing_ts, 'without a timestamp'],
    [info.num_invalid_ts, 'with a timestamp out of range'],
    [info.num_missing_val, 'without a value'],
  ].filter(([rows]) => Number(rows) > 0)
  const oddities =
    odd.length > 0 ? `<p>Rows ${odd.map(([rows, what]) => `${what}: ${count(Number(rows))}`).join('; ')}.</p>` : ''
  return `<footer>${source}${oddities}<p>Made by the flow <code>datacube</code> for <code>${escapeHtml(`${output.model}/${output.run}`)}</code>. A mean of places gives each place the same weight, however many rows it has. Borders: Natural Earth, US Census Bureau.</p></footer>`
}
