/**
 * A driver in a process of its own, to be killed and to be weighed: runs the flow that its arguments name and prints
 * one line of JSON, a {@link DriverReport}. The URL of the run store is in MILLRACE_DATABASE.
 *
 *   node bench/drivers/drive.ts cluster bench/flows/inc.ts bench-inc '{"tasks": 1000}' [id of a run to go on with]
 */
import { readFileSync } from 'node:fs'
import { createRun, driveRun, EXECUTORS, flowSource, importFlow, PostgresStore } from '@millrace/engine'
import { ROOT } from '../harness/bench.ts'

export interface DriverReport {
  readonly ms: number
  /** Most memory (bytes, resident) that the process ever had. */
  readonly peakMemory: number
}

const [kind, path = '', name = '', params = '{}', id] = process.argv.slice(2)
const executor = EXECUTORS.find((each) => each === kind)
if (!executor) throw new Error(`no executor "${kind}"`)
const source = flowSource(ROOT, name, path)
const flow = await importFlow(ROOT, source)
const store = await PostgresStore.open(process.env.MILLRACE_DATABASE ?? '')
const began = performance.now()
const run = id ?? (await createRun({ flow, source, params: JSON.parse(params), executor, store })).id
const { error } = await driveRun(run, { flow, store, root: ROOT })
if (error) throw error
const report: DriverReport = { ms: performance.now() - began, peakMemory: peakMemory() }
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit())

function peakMemory(): number {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    if (kilobytes !== undefined) return Number(kilobytes) * 1024
  } catch {
    // Not Linux.
  }
  return process.resourceUsage().maxRSS * 1024
}
