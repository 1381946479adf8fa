import { type Database, withDatabase } from './duckdb.ts'
import { type Output, OutputWriter, type Written } from './output-writer.ts'
import { type Scratch, withScratch } from './scratch.ts'

/** What a task works with. */
export interface Bench {
  readonly db: Database
  readonly scratch: Scratch
}

/** Runs the body of a task with a database and the run's scratch files. */
export function atBench<T>(scratchUrl: string, body: (bench: Bench) => Promise<T>): Promise<T> {
  return withScratch(scratchUrl, (scratch) => withDatabase(scratch.spill, (db) => body({ db, scratch })))
}

/** Like {@link atBench}, for a task that writes output. */
export function atOutput(
  job: { readonly scratch: string; readonly output: Output },
  body: (bench: Bench & { readonly writer: OutputWriter }) => Promise<void>,
): Promise<Written> {
  return atBench(job.scratch, async (bench) => {
    const writer = new OutputWriter(job.output)
    await body({ ...bench, writer })
    await writer.flush()
    return writer.written
  })
}
