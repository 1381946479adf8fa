import { type Column, KNOWN_COLUMNS, REGION_LEVELS, type RegionLevel } from './columns.ts'

/** One parquet file of the input, as found. */
export interface InputFile {
  /** As the person wrote it, for messages. */
  readonly name: string
  /** Absolute, or relative to the scratch folder of the run where it was downloaded. */
  readonly path: string
  readonly inScratch: boolean
  readonly rows: number
  readonly columns: readonly Column[]
}

/** The input as one table: which columns it has, and which of them survive validation. */
export interface Frame {
  readonly files: readonly InputFile[]
  /** All columns of all files, in order of first appearance. */
  readonly columns: readonly string[]
  /** Region columns that are text of differing kinds among the files. */
  readonly mixedRegions: readonly RegionLevel[]
  /** Region columns that hold anything. */
  readonly regions: readonly RegionLevel[]
  /** Those of lat and lng that hold anything. */
  readonly coordinates: readonly ('lat' | 'lng')[]
  /** Qualifier columns that hold anything. */
  readonly qualifiers: readonly string[]
  readonly weight: string | undefined
  readonly fillTimestamp: number
}

/** What later stages need to know of a frame. */
export interface Shape extends Pick<Frame, 'regions' | 'coordinates' | 'qualifiers'> {
  readonly weighted: boolean
}

export function shapeOf({ regions, coordinates, qualifiers, weight }: Frame): Shape {
  return { regions, coordinates, qualifiers, weighted: weight !== undefined }
}

/** All columns of all files, in order of first appearance. */
export function columnsOf(files: readonly InputFile[]): string[] {
  return [...new Set(files.flatMap((file) => file.columns.map((column) => column.name)))]
}

/** Region columns whose kind is not the same in all files that have them. */
export function mixedRegionsOf(files: readonly InputFile[]): RegionLevel[] {
  return REGION_LEVELS.filter((level) => {
    const kinds = files.flatMap((file) => file.columns.filter(({ name }) => name === level).map(({ kind }) => kind))
    return new Set(kinds).size > 1
  })
}

/** The frame that is left when only `filled` columns hold anything. */
export function frameOf(
  files: readonly InputFile[],
  filled: ReadonlySet<string>,
  options: { weightColumn: string; fillTimestamp: number },
): Frame {
  const columns = columnsOf(files)
  const weight = filled.has(options.weightColumn) ? options.weightColumn : undefined
  return {
    files,
    columns,
    mixedRegions: mixedRegionsOf(files),
    regions: REGION_LEVELS.filter((level) => filled.has(level)),
    coordinates: (['lat', 'lng'] as const).filter((name) => filled.has(name)),
    qualifiers: columns.filter((name) => filled.has(name) && !KNOWN_COLUMNS.includes(name) && name !== weight),
    weight,
    fillTimestamp: options.fillTimestamp,
  }
}

/** Tiles need both coordinates. */
export function hasTiles(frame: Pick<Frame, 'coordinates'>): boolean {
  return frame.coordinates.length === 2
}

/** A region level of the output, and what the ids of its regions are made of. */
export interface Level {
  readonly name: RegionLevel
  /** Columns from the largest region down; undefined where the data has no such column. */
  readonly parts: readonly (RegionLevel | undefined)[]
}

function level(name: RegionLevel, regions: readonly RegionLevel[]): Level {
  const parts = REGION_LEVELS.slice(0, REGION_LEVELS.indexOf(name) + 1)
  return { name, parts: parts.map((part) => (regions.includes(part) ? part : undefined)) }
}

/** Levels as time series name them: those the data has. */
export function levelsByName(regions: readonly RegionLevel[]): Level[] {
  return regions.map((name) => level(name, regions))
}

/**
 * Levels as statistics, aggregations and lists name them: counted from `country`, as many as the data has.
 * The two differ where a larger level is missing; readers of the output rely on it.
 */
export function levelsByPosition(regions: readonly RegionLevel[]): Level[] {
  return REGION_LEVELS.slice(0, regions.length).map((name) => level(name, regions))
}
