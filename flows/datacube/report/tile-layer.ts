import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { TileSchema } from '../tiles/tiles_pb.ts'

/** A cell of the map: its place in the grid of the layer's zoom. */
export interface Cell {
  readonly x: number
  readonly y: number
  /** Mean over the places in it. */
  readonly mean: number
  /** How many places have a value. */
  readonly count: number
}

/** Map cells of one timestamp at one zoom, decoded from tiles. */
export interface TileLayer {
  readonly timestamp: number
  /** The world is 2 ** zoom cells wide. */
  readonly zoom: number
  readonly cells: readonly Cell[]
  /** How many tiles it took. */
  readonly tiles: number
}

const LEVEL_DIFFERENCE = 6
const GRID = 64

interface TileName {
  readonly file: string
  readonly timestamp: number
  readonly z: number
}

/**
 * Reads the latest timestamp's tiles, at the zoom at which the data is about `wanted` cells wide.
 * @returns undefined when there are no tiles
 */
export function readTileLayer(folder: string, wanted: number): TileLayer | undefined {
  const names = tileNames(folder)
  if (names.length === 0) return undefined
  const timestamp = Math.max(...names.map((name) => name.timestamp))
  const latest = names.filter((name) => name.timestamp === timestamp)
  const layers = [...new Set(latest.map(({ z }) => z))].sort((a, b) => a - b)
  let best: TileLayer | undefined
  for (const z of layers) {
    const files = latest.filter((name) => name.z === z).map(({ file }) => join(folder, file))
    const layer = { timestamp, zoom: z + LEVEL_DIFFERENCE, cells: files.flatMap(cellsOf), tiles: files.length }
    if (layer.cells.length === 0) continue
    if (best && Math.abs(widthOf(layer) - wanted) > Math.abs(widthOf(best) - wanted)) break
    best = layer
  }
  return best
}

function tileNames(folder: string): TileName[] {
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch {
    return []
  }
  return names.flatMap((file) => {
    const [, timestamp, z] = /^(-?\d+)-(\d+)-\d+-\d+\.tile$/.exec(file) ?? []
    return timestamp === undefined ? [] : [{ file, timestamp: Number(timestamp), z: Number(z) }]
  })
}

/** Cells of a tile that are on the map and have a value. */
function cellsOf(file: string): Cell[] {
  const { coord, bins } = fromBinary(TileSchema, readFileSync(file))
  const { x = 0, y = 0, z = 0 } = coord ?? {}
  if (x >= 2 ** z || y >= 2 ** z) return []
  return Object.entries(bins?.stats ?? {}).flatMap(([bin, { sSumTMean, weight }]) => {
    if (weight === 0) return []
    const index = Number(bin)
    return [
      { x: x * GRID + (index % GRID), y: y * GRID + Math.floor(index / GRID), mean: sSumTMean / weight, count: weight },
    ]
  })
}

function widthOf({ cells }: TileLayer): number {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const { x } of cells) {
    least = Math.min(least, x)
    most = Math.max(most, x)
  }
  return most - least + 1
}
