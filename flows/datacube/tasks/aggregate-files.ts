import { scratchFile, type Unit } from '../plan.ts'
import type { Scratch } from '../scratch.ts'
import { parquet } from '../sql/quote.ts'

/** The aggregate in time of a unit, all parts of it, as a table for SQL. */
export async function aggregateOf(scratch: Scratch, unit: Unit): Promise<string> {
  const files: string[] = []
  for (let part = 0; part < unit.parts; part++) files.push(await scratch.read(scratchFile.aggregate(unit, part)))
  return parquet(files)
}
