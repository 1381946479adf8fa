import { statSync } from 'node:fs'
import { task, UserError } from '@millrace/sdk'
import { type Column, checkColumns, KNOWN_COLUMNS, kindOf } from '../columns.ts'
import type { Database } from '../duckdb.ts'
import { type Frame, frameOf, type InputFile } from '../frame.ts'
import type { InputPath } from '../input-paths.ts'
import { literal, parquet } from '../sql/quote.ts'
import { countRows, hasContent } from '../sql/rows.ts'
import { unreadable } from '../unreadable.ts'
import { atBench } from '../workbench.ts'

/** The input, and what was counted while looking through it. */
export interface InputData {
  readonly frame: Frame
  readonly rows: number
  readonly rowsPerFeature: readonly (readonly [feature: string, rows: number])[]
  /** Rows that belong to no feature. */
  readonly rowsWithoutFeature: number
  readonly missingTimestamps: number
  readonly invalidTimestamps: number
  readonly missingValues: number
}

/** Finds out what the input files hold. One pass over three columns; nothing is kept but counts. */
export const readData = task(
  'read_data',
  async (
    paths: readonly InputPath[],
    options: { scratch: string; weightColumn: string; fillTimestamp: number },
  ): Promise<InputData> =>
    atBench(options.scratch, async ({ db, scratch }) => {
      const files: InputFile[] = []
      const local: string[] = []
      for (const path of paths) {
        const at = path.inScratch ? await scratch.read(path.path) : path.path
        local.push(at)
        files.push(await describeFile(db, path, at))
      }
      const rows = files.reduce((sum, file) => sum + file.rows, 0)
      if (rows === 0) {
        throw new UserError(`datacube: ${files.map((file) => file.name).join(', ')}: there are no rows`)
      }
      const filled = new Set<string>()
      for (const name of new Set(files.flatMap((file) => file.columns.map((column) => column.name)))) {
        if (await holdsAnything(db, files, local, name)) filled.add(name)
      }
      const frame = frameOf(files, filled, options)
      return { frame, rows, ...(await count(db, frame, local)) }
    }),
)

async function describeFile(db: Database, path: InputPath, at: string): Promise<InputFile> {
  if (!statSync(at, { throwIfNoEntry: false })?.isFile()) {
    throw new UserError(`datacube: ${path.name}: there is no such file`)
  }
  try {
    const described = await db.rows(`SELECT column_name, column_type FROM (DESCRIBE FROM ${parquet([at])})`)
    const columns = described.map(
      ([name, type]): Column => ({
        name: String(name),
        type: String(type),
        kind: kindOf(String(type)),
      }),
    )
    checkColumns(path.name, columns)
    const [[rows] = []] = await db.rows(`SELECT CAST(num_rows AS DOUBLE) FROM parquet_file_metadata(${literal(at)})`)
    return { name: path.name, path: path.path, inScratch: path.inScratch, rows: Number(rows), columns }
  } catch (error) {
    throw unreadable(path.name, at, error)
  }
}

/** A column that several files have some of is filled with empty text in the others, so it does hold something. */
async function holdsAnything(
  db: Database,
  files: readonly InputFile[],
  local: readonly string[],
  name: string,
): Promise<boolean> {
  for (const [index, file] of files.entries()) {
    const column = file.columns.find((candidate) => candidate.name === name)
    if (!column) {
      if (!KNOWN_COLUMNS.includes(name)) return true
      continue
    }
    try {
      if ((await db.rows(hasContent(column, local[index] ?? ''))).length > 0) return true
    } catch (error) {
      throw unreadable(file.name, local[index] ?? '', error)
    }
  }
  return false
}

async function count(db: Database, frame: Frame, local: readonly string[]): Promise<Omit<InputData, 'frame' | 'rows'>> {
  const rowsPerFeature = new Map<string, number>()
  let [rowsWithoutFeature, missingTimestamps, invalidTimestamps, missingValues] = [0, 0, 0, 0]
  for (const [index, file] of frame.files.entries()) {
    const path = local[index] ?? ''
    const counts = await db.rows(countRows(frame, { file, path })).catch((error: unknown) => {
      throw unreadable(file.name, path, error)
    })
    for (const [feature, rows, missingTs, invalidTs, missingValue, badValue, badTimestamp] of counts) {
      if (badValue !== null) throw notNumbers(file, 'value', badValue)
      if (badTimestamp !== null) throw notNumbers(file, 'timestamp', badTimestamp)
      if (feature === null || feature === undefined) rowsWithoutFeature += Number(rows)
      else rowsPerFeature.set(String(feature), (rowsPerFeature.get(String(feature)) ?? 0) + Number(rows))
      missingTimestamps += Number(missingTs)
      invalidTimestamps += Number(invalidTs)
      missingValues += Number(missingValue)
    }
  }
  return {
    rowsPerFeature: [...rowsPerFeature].sort(([a], [b]) => (a < b ? -1 : 1)),
    rowsWithoutFeature,
    missingTimestamps,
    invalidTimestamps,
    missingValues,
  }
}

function notNumbers(file: InputFile, column: string, example: unknown): UserError {
  return new UserError(
    `datacube: ${file.name}: column "${column}" holds text that is not a number: ${JSON.stringify(example)}`,
    column === 'value' ? 'Files of text values are left out by their name: it ends in _str.parquet.gzip.' : undefined,
  )
}
