import { type AffectedFlow, affectedFlows, type Difference } from '@millrace/release'
import { CancelledError } from '@millrace/sdk'
import { table } from '../output/table.ts'
import { root } from '../project.ts'

/** `millrace affected --since REF` */
export async function affected({ since, json }: { readonly since: string; readonly json?: boolean }): Promise<void> {
  const { commit, flows } = await interruptible((signal) => affectedFlows(root, since, signal))
  if (json) {
    process.stdout.write(`${JSON.stringify({ since, commit, flows }, null, 2)}\n`)
    return
  }
  const rows = flows.map((each) => [each.flow, each.change, reasons(each)])
  const where = commit.startsWith(since) ? since : `${since} (${commit.slice(0, 7)})`
  process.stdout.write(
    rows.length > 0 ? `${table([['FLOW', 'CHANGE', 'WHY'], ...rows])}\n` : `No flow is affected since ${where}.\n`,
  )
}

function reasons({ files, packages, fault }: AffectedFlow): string {
  if (fault !== undefined) return `before, it did not compile: ${fault}`
  return [
    ...files.map(({ name, change }) => (change === 'changed' ? name : `${name} (${change})`)),
    ...packages.map(packageReason),
  ].join(', ')
}

function packageReason({ name, change, from, to }: Difference): string {
  return change === 'changed' ? `${name} ${from} -> ${to}` : `${name} ${to ?? from} (${change})`
}

/** Ctrl-C leaves nothing behind. */
async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupted = new AbortController()
  const stop = (): void => interrupted.abort(new CancelledError('interrupted'))
  process.on('SIGINT', stop).on('SIGTERM', stop)
  try {
    return await work(interrupted.signal)
  } catch (error) {
    throw interrupted.signal.aborted ? interrupted.signal.reason : error
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}
