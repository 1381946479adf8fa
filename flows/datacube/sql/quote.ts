/** A name as SQL writes it. */
export function ident(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as SQL writes it. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** The rows of parquet files, in the order of the list. */
export function parquet(files: readonly string[], options = ''): string {
  return `read_parquet([${files.map(literal).join(', ')}], binary_as_string = true${options && `, ${options}`})`
}

/** `column IN (…)`; true for no row where the list is empty. */
export function isIn(column: string, values: readonly string[]): string {
  return values.length === 0 ? 'false' : `${column} IN (${values.map(literal).join(', ')})`
}
