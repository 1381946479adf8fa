import { liveWorkers } from '@millrace/engine'
import { formatBytes } from '@millrace/sdk'
import { findRun } from '../project.ts'
import { gatherRun } from '../report/gather.ts'
import { reportPage } from '../report/page.ts'
import { writeWhole } from '../report/write-file.ts'
import { withStore } from '../with-store.ts'

/** `millrace runs report RUN --out FILE` */
export async function reportRun(id: string, options: { database?: string; out: string }): Promise<void> {
  await withStore(options, async (store) => {
    const run = await findRun(store, id)
    const slots = new Map((await liveWorkers(store.database)).map((worker) => [worker.name, worker.slots]))
    const page = reportPage(await gatherRun(store, run, slots))
    await writeWhole(options.out, page, '--out')
    process.stdout.write(`${options.out}: ${run.name}, ${run.state} (${formatBytes(Buffer.byteLength(page))})\n`)
  })
}
