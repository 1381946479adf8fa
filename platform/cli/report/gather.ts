import type { FlowRun, RunStore } from '@millrace/engine'
import { type RunSummary, RunSummaryBuilder } from './run-summary.ts'

const PAGE = 5000

/**
 * Reads all that the page of a run shows, a page of rows at a time.
 * @param slots of the workers, as far as they are known
 */
export async function gatherRun(
  store: RunStore,
  run: FlowRun,
  slots?: ReadonlyMap<string, number>,
): Promise<RunSummary> {
  const builder = new RunSummaryBuilder(run, Date.now(), slots)
  for (let after = -1, full = true; full; ) {
    const page = await store.taskRuns(run.id, { after, limit: PAGE })
    for (const taskRun of page) builder.addTaskRun(taskRun)
    after = page.at(-1)?.seq ?? after
    full = page.length === PAGE
  }
  for (let after = 0, full = true; full; ) {
    const page = await store.logs(run.id, { after, level: 'warn', limit: PAGE })
    for (const line of page) builder.addLog(line)
    after = page.at(-1)?.id ?? after
    full = page.length === PAGE
  }
  return builder.finish(await store.taskCounts(run.id))
}
