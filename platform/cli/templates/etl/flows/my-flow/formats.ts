/** Endings of what DuckDB reads by itself. */
export const FORMATS = /\.((csv|json|jsonl|ndjson)(\.gz)?|parquet)$/

/** A path without the part that says its format. */
export function withoutEnding(path: string): string {
  return path.replace(FORMATS, '')
}
