import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { createRun, loadFlow, PostgresStore } from '@millrace/engine'
import { formatDuration } from '@millrace/sdk'
import { gatherParams } from '../params.ts'
import { root } from '../project.ts'
import { driveAndShow } from './run.ts'
import { startPlatform } from './start.ts'

/** `millrace demo`: everything at work on real data, from nothing to a page to look at. */
export async function demo(options: { out: string }): Promise<void> {
  const out = resolve(options.out)
  const report = join(out, 'report.html')
  const say = (text = ''): void => void process.stdout.write(`${text}\n`)
  const began = Date.now()
  say('Millrace demo: 60,000 flights of 2001 through the flow "datacube", on a worker cluster.')
  say('Starting the database and two workers …')
  const platform = await startPlatform({ workers: 2, slots: 1 })
  try {
    say(`They are up (${formatDuration(Date.now() - began)}).`)
    const store = await PostgresStore.open(platform.url)
    try {
      const loaded = await loadFlow(root, 'datacube')
      const params: Record<string, unknown> = {
        ...(await gatherParams(root, loaded.flow, { fixture: 'us-flights' })),
        model_bucket: `file:${out}`,
      }
      const run = await createRun({ ...loaded, params, executor: 'cluster', store })
      process.exitCode = await driveAndShow(run, loaded, store, {})
      if (process.exitCode !== 0) return
      await writePage(join(out, String(params.model_id), String(params.run_id)), report)
      say()
      say(`Done in ${formatDuration(Date.now() - began)}, start of the platform included.`)
      say(`Results:  ${out}`)
      say(`Look at:  ${pathToFileURL(report).href}`)
      say(`The run:  npx millrace runs show ${run.id}`)
      say('Next:     npx millrace start   (README.md goes on from there)')
    } finally {
      await store.close()
    }
  } finally {
    await platform.stop()
  }
  process.exit()
}

/** The flow's own program for that: the command line knows no flow. */
async function writePage(folder: string, file: string): Promise<void> {
  const flow = join(root, 'flows/datacube')
  const text = join(flow, 'fixtures/us-flights.report.json')
  await promisify(execFile)(process.execPath, [join(flow, 'report.ts'), folder, file, '--text', text])
}
