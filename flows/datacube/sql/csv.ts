import { ident } from './quote.ts'

/** A table whose rows go to one CSV file for each combination of some of its columns. */
export interface CsvLayout {
  /** Columns that tell the files apart; they are not in the files. */
  readonly keys: readonly string[]
  /** Columns of the files that hold text. */
  readonly text: readonly string[]
  /** Columns of the files that hold numbers; they stand after the text. */
  readonly numbers: readonly string[]
  /** Columns that rows of a file are sorted by. */
  readonly order: readonly string[]
}

/** Columns of the files, in their order. */
export function csvColumns({ text, numbers }: CsvLayout): string[] {
  return [...text, ...numbers]
}

/** The lines of all files, those of one file together: `file number, keys…, line`. */
export function csvLines(sql: string, layout: CsvLayout): string {
  const keys = layout.keys.map(ident).join(', ')
  return `SELECT CAST(dense_rank() OVER (ORDER BY ${keys}) AS DOUBLE) AS "#number", ${keys}, ${csvLine(layout)}
    FROM (${sql}) ORDER BY "#number", ${layout.order.map(ident).join(', ')}`
}

/** One row as a line of CSV. Nothing is empty; text that would be misread is quoted. */
function csvLine({ text, numbers }: CsvLayout): string {
  const cells = [
    ...text.map((name) => {
      const column = ident(name)
      return `CASE WHEN regexp_matches(${column}, '[",\\r\\n]')
        THEN '"' || replace(${column}, '"', '""') || '"' ELSE ${column} END`
    }),
    ...numbers.map(ident),
  ]
  // concat takes null for empty.
  return `concat(${cells.join(", ',', ")}, chr(10))`
}
