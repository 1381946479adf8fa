/** A worker of the alternative cluster: takes batches of jobs from pg-boss, and keeps a journal. */
import pg from 'pg'
import { loadPgBoss } from './install.ts'
import { QUEUE, WRITE_JOURNAL } from './journal.ts'

const [module = ''] = process.argv.slice(2)
const connectionString = process.env.MILLRACE_DATABASE
const pool = new pg.Pool({ connectionString, max: 2 })
const PgBoss = await loadPgBoss(module)
const boss = new PgBoss({ connectionString, max: 4, useListenNotify: true, supervise: false, schedule: false })
boss.on('error', (error) => console.error(error.message))
await boss.start()
// With notifications, polling is a mere backstop: without burstWhenBatchFull a backlog drains one batch a notification.
const options = { batchSize: 200, pollingIntervalSeconds: 0.5, perJobResults: true, burstWhenBatchFull: true }
await boss.work(QUEUE, options, async (jobs) => {
  const started = Date.now()
  for (const [run, ofRun] of Map.groupBy(jobs, ({ data }) => data.run)) {
    const seqs = ofRun.map(({ data }) => data.seq)
    const results = seqs.map((seq) => Buffer.from(JSON.stringify(seq + 1)))
    await pool.query({ name: 'journal', text: WRITE_JOURNAL, values: [run, seqs, results, started] })
  }
  return jobs.map(({ id }) => ({ id, status: 'completed', output: null }))
})
console.log('ready')
process.stdin.resume().once('end', () => process.exit())
