import { store, task, UserError } from '@millrace/sdk'
import { FORMATS, withoutEnding } from './formats.ts'

/** The objects to read: those of a known format whose path starts with `prefix`. */
export const extract = task('extract', { retries: 2 }, async (source: string, prefix: string): Promise<string[]> => {
  const paths: string[] = []
  for await (const { path } of store(source).list(prefix)) if (FORMATS.test(path)) paths.push(path)
  if (paths.length === 0) {
    throw new UserError(`there is nothing to read in ${source}: no CSV, JSON or parquet object starts with "${prefix}"`)
  }
  checkOutputs(paths)
  return paths
})

/** An output is named as its input, but for the ending. @throws UserError when two would have the same name */
function checkOutputs(paths: readonly string[]): void {
  const inputs = new Map<string, string>()
  for (const path of paths) {
    const other = inputs.get(withoutEnding(path))
    if (other !== undefined) throw new UserError(`${other} and ${path} would be written to the same place; rename one`)
    inputs.set(withoutEnding(path), path)
  }
}
