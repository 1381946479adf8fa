import { geoAlbersUsa, geoMercator } from 'd3-geo'
import { atlasPath, bordersOf, landOf } from './atlas.ts'
import type { Cell, TileLayer } from './tile-layer.ts'

/** What a map shows, in pixels. */
export interface MapView {
  readonly width: number
  readonly height: number
  /** SVG path data of the land, and of borders on it. */
  readonly land: string
  readonly borders: string
  /** SVG path data of a cell; undefined where the map does not show its place. */
  cell(cell: Cell): string | undefined
}

const WIDTH = 960
const UNITED_STATES = /^(usa?|united states( of america)?)$/i

/** Whether a map of the United States, with Alaska and Hawaii moved in, shows all of it. */
export function isUnitedStates(countries: readonly string[]): boolean {
  return countries.length > 0 && countries.every((name) => UNITED_STATES.test(name))
}

/** The part of the world the cells of a layer lie in. */
export function mapView(layer: TileLayer, countries: readonly string[]): MapView {
  return isUnitedStates(countries) ? viewOfStates(layer) : viewOfWorld(layer)
}

/** Of the United States. */
const SCALE = 1220

function viewOfStates({ zoom }: TileLayer): MapView {
  const height = 600
  // All cells are as large as one in Kansas: those of Alaska would be too small to see, where it is drawn so small.
  const size = Math.max(4, (SCALE * 2 * Math.PI * Math.cos((38.5 * Math.PI) / 180)) / 2 ** zoom)
  const edge = size.toFixed(1)
  const projection = geoAlbersUsa()
    .scale(SCALE)
    .translate([WIDTH / 2, height / 2])
  const atlas = 'us-atlas/states-10m.json'
  return {
    width: WIDTH,
    height,
    land: atlasPath(projection, landOf(atlas, 'nation')),
    borders: atlasPath(projection, bordersOf(atlas, 'states')),
    cell: ({ x, y }) => {
      const center = projection(degrees(x + 0.5, y + 0.5, zoom))
      if (!center) return undefined
      const [left, top] = center.map((part) => (part - size / 2).toFixed(1))
      return `M${left},${top}h${edge}v${edge}h-${edge}Z`
    },
  }
}

/** Longitude and latitude of a place in the grid. */
function degrees(x: number, y: number, zoom: number): [number, number] {
  const world = 2 ** zoom
  return [(360 * x) / world - 180, (180 / Math.PI) * Math.atan(Math.sinh(Math.PI * (1 - (2 * y) / world)))]
}

const MARGIN_CELLS = 2
/** Height of the map by its width: a thin strip of data gets more around it, a column is cut. */
const [LOWEST, HIGHEST] = [0.42, 0.85]

function viewOfWorld({ zoom, cells }: TileLayer): MapView {
  const world = 2 ** zoom
  const edges = (numbers: readonly number[]): [least: number, most: number] => [
    numbers.reduce((a, b) => Math.min(a, b)) - MARGIN_CELLS,
    numbers.reduce((a, b) => Math.max(a, b)) + 1 + MARGIN_CELLS,
  ]
  const [left, right] = edges(cells.map(({ x }) => x))
  const [north, south] = edges(cells.map(({ y }) => y))
  const size = WIDTH / (right - left)
  const rows = Math.min(Math.max(south - north, (LOWEST * WIDTH) / size), (HIGHEST * WIDTH) / size)
  const top = (north + south - rows) / 2
  const height = Math.round(rows * size)
  // The cells are squares in Mercator's projection.
  const projection = geoMercator()
    .scale((world * size) / (2 * Math.PI))
    .translate([(world / 2 - left) * size, (world / 2 - top) * size])
    .clipExtent([
      [-8, -8],
      [WIDTH + 8, height + 8],
    ])
  const atlas = `world-atlas/countries-${right - left > world / 3 ? '110m' : '50m'}.json`
  return {
    width: WIDTH,
    height,
    land: atlasPath(projection, landOf(atlas, 'land')),
    borders: atlasPath(projection, bordersOf(atlas, 'countries')),
    cell: ({ x, y }) => {
      const edge = size.toFixed(2)
      return `M${((x - left) * size).toFixed(1)},${((y - top) * size).toFixed(1)}h${edge}v${edge}h-${edge}Z`
    },
  }
}
