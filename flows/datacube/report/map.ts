import type { MapView } from './map-view.ts'
import { CLASSES, type Scale } from './scale.ts'
import { count, escapeHtml, number } from './text.ts'
import type { TileLayer } from './tile-layer.ts'

/** A tile layer as an SVG map. */
export function map(layer: TileLayer, view: MapView, scale: Scale, title: string, unit: string): string {
  const byClass = new Map<number, string[]>()
  for (const cell of layer.cells) {
    const path = view.cell(cell)
    if (path === undefined) continue
    const values = cell.count === 1 ? '1 value' : `${count(cell.count)} values`
    const tip = `<title>${escapeHtml(`${number(cell.mean)} ${unit}`.trim())} · ${values}</title>`
    const index = scale.classOf(cell.mean)
    const group = byClass.get(index) ?? []
    byClass.set(index, group)
    group.push(`<path d="${path}">${tip}</path>`)
  }
  const groups = [...byClass]
    .sort(([a], [b]) => a - b)
    .map(([index, paths]) => `<g class="c${colourOf(scale, index)}">${paths.join('')}</g>`)
  const label = `Map: ${title}, ${count(layer.cells.length)} cells`
  return `<svg class="map" viewBox="0 0 ${view.width} ${view.height}" role="img" aria-label="${escapeHtml(label)}">
<use href="#land" class="land"/><use href="#borders" class="borders"/>
<g class="cells ${paletteOf(scale)}">${groups.join('')}</g>
</svg>`
}

/** Shapes that all maps of one view share; goes into the page once. */
export function mapShapes({ land, borders }: MapView): string {
  return `<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs><path id="land" d="${land}"/><path id="borders" d="${borders}"/></defs></svg>`
}

/** The colours of a map and the values they stand for. */
export function legend(scale: Scale, unit: string): string {
  const names = Array.from({ length: scale.limits.length + 1 }, (_, index) => {
    const [from, to] = [scale.limits[index - 1], scale.limits[index]]
    if (from === undefined) return to === undefined ? 'all' : `under ${number(to)}`
    return to === undefined ? `${number(from)} and more` : `${number(from)} to ${number(to)}`
  })
  const items = names.map(
    (name, index) => `<li><span class="swatch c${colourOf(scale, index)}"></span>${escapeHtml(name)}</li>`,
  )
  return `<ul class="legend ${paletteOf(scale)}" aria-label="Colours, in ${escapeHtml(unit || 'units of the data')}">${items.join('')}</ul>`
}

export function paletteOf(scale: Scale): string {
  return scale.diverging ? 'diverging' : 'sequential'
}

/** Spreads fewer classes over all colours. */
export function colourOf(scale: Scale, index: number): number {
  const last = scale.limits.length
  return last === 0 ? Math.floor(CLASSES / 2) : Math.round((index * (CLASSES - 1)) / last)
}
