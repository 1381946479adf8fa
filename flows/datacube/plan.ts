import type { Frame } from './frame.ts'
import { BUCKETS, type Part, type Resolution } from './sql/temporal.ts'

/** Rows of the input that one task reads at least, and pieces there are at most. */
const PIECE_ROWS = 500_000
const MOST_PIECES = 64

/** A piece of the input: rows of one file. */
export interface Piece {
  readonly index: number
  readonly file: number
  readonly from: number
  readonly to: number
}

/** Cuts the input into pieces of about equal size. Depends on the data alone, so that sums come out the same anywhere. */
export function piecesOf(files: Frame['files']): Piece[] {
  const total = files.reduce((sum, file) => sum + file.rows, 0)
  const size = Math.max(PIECE_ROWS, Math.ceil(total / MOST_PIECES))
  const pieces: Piece[] = []
  for (const [file, { rows }] of files.entries()) {
    const count = Math.ceil(rows / size)
    for (let piece = 0; piece < count; piece++) {
      const edge = (index: number): number => Math.round((rows * index) / count)
      pieces.push({ index: pieces.length, file, from: edge(piece), to: edge(piece + 1) })
    }
  }
  return pieces
}

/** Features with fewer rows than this share tasks. */
const GROUP_ROWS = 25_000

/** Features that are handled together. */
export interface FeatureGroup {
  readonly index: number
  readonly features: readonly string[]
  /** How many parts their aggregates have. */
  readonly parts: number
}

/** Puts small features together; large ones stay alone. */
export function groupsOf(rowsPerFeature: ReadonlyMap<string, number>): FeatureGroup[] {
  const groups: string[][] = []
  let room = 0
  for (const feature of [...rowsPerFeature.keys()].sort()) {
    const rows = rowsPerFeature.get(feature) ?? 0
    const last = groups.at(-1)
    if (last && rows <= room) last.push(feature)
    else {
      groups.push([feature])
      room = GROUP_ROWS
    }
    room -= rows
  }
  return groups.map((features, index) => ({ index, features, parts: 1 }))
}

/** Features at one resolution; with a reason where their output is not wanted. */
export interface Unit extends FeatureGroup {
  readonly resolution: Resolution
  readonly skip?: string
}

/** One part of the aggregate of a unit. */
export interface PartUnit extends Unit {
  readonly part: Part
}

/** Cells of an aggregate that are made at once, about; they have to fit in the memory of a task. */
const PART_CELLS = 250_000

/** Into how many parts the aggregate of a group is cut. */
export function partsOf({ features }: FeatureGroup, cells: ReadonlyMap<string, number>): number {
  const total = features.reduce((sum, feature) => sum + (cells.get(feature) ?? 0), 0)
  return Math.min(BUCKETS, Math.max(1, Math.ceil(total / PART_CELLS)))
}

/** The feature that tables of subtiles know by a number. */
export function featureNumbered(group: FeatureGroup, number: unknown): string {
  const feature = group.features[Number(number)]
  if (feature === undefined) throw new Error(`there is no feature ${number} among ${group.features.length}`)
  return feature
}

/** Units of the two resolutions that have output files. A skipped output has one unit for each, so that runs show it. */
export function unitsOf(groups: readonly FeatureGroup[], skip?: string | false): Unit[] {
  return (['month', 'year'] as const).flatMap((resolution): Unit[] =>
    skip ? [{ index: 0, features: [], parts: 0, resolution, skip }] : groups.map((group) => ({ ...group, resolution })),
  )
}

/** Names of the files that tasks hand on, below the run's scratch folder. */
export const scratchFile = {
  input: (index: number): string => `input/${index}.parquet`,
  partial: (piece: number): string => `partial/${piece}.parquet`,
  categories: (piece: number): string => `categories/${piece}.parquet`,
  aggregate: ({ resolution, index }: Unit, part: number): string => `aggregate/${resolution}/${index}.${part}.parquet`,
  subtiles: ({ resolution, index }: Unit): string => `subtiles/${resolution}/${index}.parquet`,
}

/** Rows of raw data that one task writes, about. */
const RAW_ROWS = 100_000

/** Features whose raw rows one task writes. */
export interface RawUnit {
  readonly features: readonly string[]
  readonly rows: number
}

/** The features that get their raw rows written: those with no more than `threshold`. */
export function rawUnitsOf(rowsPerFeature: ReadonlyMap<string, number>, threshold: number): RawUnit[] {
  const units: { features: string[]; rows: number }[] = []
  for (const [feature, rows] of rowsPerFeature) {
    if (rows > threshold) continue
    const last = units.at(-1)
    if (last && last.rows + rows <= RAW_ROWS) {
      last.features.push(feature)
      last.rows += rows
    } else units.push({ features: [feature], rows })
  }
  return units
}
