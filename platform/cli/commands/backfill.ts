import { createHash } from 'node:crypto'
import { type DeploymentRecord, nextTimes, type PostgresStore, type QueuedRun, scheduleKey } from '@millrace/engine'
import { UserError } from '@millrace/sdk'
import { type ParamReader, paramReader } from '../input/given-params.ts'
import { type LineSource, lineSource } from '../input/lines.ts'
import type { ParamSet } from '../input/param-lines.ts'
import { zonedDate } from '../input/zoned-date.ts'
import { print } from '../output/print.ts'
import { withStore } from '../with-store.ts'
import { findDeployed } from './deployments.ts'
import { queueAll, type RequestOptions, readRequest, runsOf } from './enqueue.ts'

interface BackfillOptions extends RequestOptions {
  readonly database?: string
  readonly idsFile?: string
  readonly idParam?: string
  readonly name?: string
  readonly from?: string
  readonly to?: string
  readonly param?: readonly string[]
  readonly dryRun?: boolean
  readonly json?: boolean
}

/** Of those that would be queued, so many are shown. */
const MOST_SHOWN = 10

/** `millrace backfill DEPLOYMENT` */
export async function backfill(name: string, options: BackfillOptions): Promise<void> {
  const { dryRun = false, json = false } = options
  const request = readRequest(options)
  const what = readWhat(options)
  const ids = what.kind === 'ids' ? await lineSource(what.file, '--ids-file') : undefined
  await withStore(options, async (store) => {
    const deployment = await findDeployed(store.database, name)
    const reader = await paramReader(deployment.flow)
    const pairs = options.param ?? []
    const given = await reader.read(pairs)
    const sets =
      what.kind === 'ids' && ids
        ? setsOfIds(ids, what.param, { reader, pairs, name: options.name ?? nameOf(given, what.param) })
        : setsOfTimes(deployment, options, given)
    const runs = runsOf(deployment, sets, request, 'ever')
    await (dryRun ? list(runs, json) : queueRuns(store, runs, name, json))
  })
}

function queueRuns(store: PostgresStore, runs: AsyncIterable<QueuedRun>, name: string, json: boolean): Promise<void> {
  return queueAll(store, runs, { json, name })
}

type What = { readonly kind: 'ids'; readonly file: string; readonly param: string } | { readonly kind: 'times' }

/** @throws UserError where it is not clear what the runs are for */
function readWhat({ idsFile, idParam, from, to, name }: BackfillOptions): What {
  const isOfTimes = from !== undefined || to !== undefined
  if ((idsFile === undefined) !== isOfTimes) {
    throw new UserError(
      'what is to be run again? Say --ids-file FILE --id-param NAME for ids, or --from TIME --to TIME for a schedule',
    )
  }
  if (idsFile !== undefined) {
    if (idParam === undefined) throw new UserError('--ids-file: say with --id-param which parameter gets the id')
    return { kind: 'ids', file: idsFile, param: idParam }
  }
  if (from === undefined || to === undefined) throw new UserError('--from and --to: both are needed')
  if (idParam !== undefined || name !== undefined) {
    throw new UserError(`--${idParam === undefined ? 'name' : 'id-param'} is for ids, not for the times of a schedule`)
  }
  return { kind: 'times' }
}

/** Parameters for each id, read as `--param NAME=ID` is. The key is the text of the line, whatever it is read as. */
async function* setsOfIds(
  source: LineSource,
  param: string,
  { reader, pairs, name }: { readonly reader: ParamReader; readonly pairs: readonly string[]; readonly name: string },
): AsyncIterable<ParamSet> {
  for await (const { text } of source.read()) {
    const id = text.trim()
    yield { params: await reader.read([...pairs, `${param}=${id}`]), key: `backfill ${name} ${id}` }
  }
}

/**
 * Parameters for each time of the schedule from `from` to before `to`, with the key that the schedule itself gives its
 * runs: a time that was run is not run again.
 */
async function* setsOfTimes(
  { name, schedule }: DeploymentRecord,
  { from = '', to = '' }: BackfillOptions,
  given: Readonly<Record<string, unknown>>,
): AsyncIterable<ParamSet> {
  if (!schedule) {
    throw new UserError(
      `${name} has no schedule`,
      'For other runs: --ids-file FILE --id-param NAME, or millrace queue add',
    )
  }
  const { cron, timezone, params } = schedule
  const [first, end] = [zonedDate(from, timezone, '--from'), zonedDate(to, timezone, '--to')]
  if (first >= end) throw new UserError(`--to: ${to} is not after ${from}`)
  if (end.getTime() > Date.now()) throw new UserError(`--to: ${to} is not over yet; the schedule itself will run that`)
  let after = new Date(first.getTime() - 1)
  for (;;) {
    const [time] = nextTimes(cron, timezone, after, 1)
    if (!time || time >= end) return
    yield { params: { ...params, ...given }, key: scheduleKey(time).text }
    after = time
  }
}

/** Backfills with other parameters are other backfills. */
function nameOf(given: Readonly<Record<string, unknown>>, param: string): string {
  const entries = Object.entries(given).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([param, entries]))
    .digest('hex')
    .slice(0, 12)
}

/** What would be queued; what of it is known already, only queueing it tells. */
async function list(runs: AsyncIterable<QueuedRun>, json: boolean): Promise<void> {
  let total = 0
  for await (const { params, key, deployment, queue } of runs) {
    total++
    if (json) print(JSON.stringify({ deployment, queue, params, key: key?.text }))
    else if (total <= MOST_SHOWN) print(JSON.stringify(params))
  }
  if (json) return
  if (total > MOST_SHOWN) print(`and ${total - MOST_SHOWN} more`)
  print(
    `${total === 1 ? 'One run' : `${total} runs`} would be queued, less those that were before (dry run: nothing was done)`,
  )
}
