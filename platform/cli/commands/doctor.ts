import { accessSync, constants, mkdirSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { availableParallelism, freemem } from 'node:os'
import { dirname } from 'node:path'
import { flowNames, liveWorkers, loadFlow, place } from '@millrace/engine'
import { formatBytes } from '@millrace/sdk'
import { paint } from '../output/log-line.ts'
import { localDatabase, openStore, root } from '../project.ts'

interface Check {
  readonly name: string
  readonly ok: boolean
  readonly text: string
}

/** `millrace doctor`: one line for each thing that is needed. */
export async function doctor(options: { database?: string; json?: boolean }): Promise<void> {
  const checks: Check[] = []
  for (const [name, look] of CHECKS) {
    try {
      checks.push({ name, ok: true, text: await look(options) })
    } catch (error) {
      checks.push({ name, ok: false, text: (error as Error).message })
    }
  }
  if (options.json) process.stdout.write(`${JSON.stringify(checks, null, 2)}\n`)
  else {
    for (const { name, ok, text } of checks) {
      process.stdout.write(`${ok ? paint('green', 'ok  ') : paint('red', 'FAIL')} ${name.padEnd(10)} ${text}\n`)
    }
  }
  if (checks.some(({ ok }) => !ok)) process.exitCode = 1
}

const CHECKS: readonly (readonly [string, (options: { database?: string }) => Promise<string>])[] = [
  [
    'node',
    async () =>
      `${process.version} on ${process.platform}-${process.arch}, ${availableParallelism()} processors, ${formatBytes(freemem())} free`,
  ],
  ['project', async () => `${root}: ${flowNames(root).length} flows`],
  ['flows', checkFlows],
  ['writing', checkWriting],
  ['database', checkDatabase],
]

async function checkFlows(): Promise<string> {
  const names = flowNames(root)
  for (const name of names) {
    await loadFlow(root, name).catch((error: Error) => {
      throw new Error(`${name}: ${error.message}`)
    })
  }
  return names.length > 0 ? `${names.join(', ')} load` : 'none yet'
}

async function checkWriting(): Promise<string> {
  const folder = dirname(localDatabase)
  mkdirSync(folder, { recursive: true })
  accessSync(folder, constants.W_OK)
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  if (free < 1e9) throw new Error(`${folder}: only ${formatBytes(free)} free`)
  return `${folder}: ${formatBytes(free)} free`
}

async function checkDatabase({ database }: { database?: string }): Promise<string> {
  const url = database ?? process.env.MILLRACE_WORKERS
  const { store, url: at, close } = await openStore(url, { create: true })
  try {
    const [row] = await store.database.query<{ version: string }>("select current_setting('server_version') as version")
    const workers = await liveWorkers(store.database)
    return `Postgres ${row?.version} at ${place(at)}, ${workers.length} workers`
  } finally {
    await close()
  }
}
