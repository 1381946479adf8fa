import {
  type DeploymentRecord,
  type Enqueued,
  enqueue,
  type KeyScope,
  type PostgresStore,
  type QueuedRun,
  type RunRequest,
  runOfDeployment,
} from '@millrace/engine'
import { hideSecrets, UserError } from '@millrace/sdk'
import { paramReader } from '../input/given-params.ts'
import { batchesOf, lineSource } from '../input/lines.ts'
import { timeAhead, wholeNumber } from '../input/numbers.ts'
import { type ParamSet, readParamSets, withKey } from '../input/param-lines.ts'
import { print } from '../output/print.ts'
import { withStore } from '../with-store.ts'
import { findDeployed } from './deployments.ts'

/** What runs that are queued together have in common. */
export interface RequestOptions {
  readonly queue?: string
  readonly priority?: string
  readonly labels?: readonly string[]
}

interface AddOptions extends RequestOptions {
  readonly database?: string
  readonly param?: readonly string[]
  readonly paramsFile?: string
  readonly keyField?: string
  readonly keyScope: KeyScope
  readonly notBefore?: string
  readonly json?: boolean
}

/** Runs that go to the database at once: a million lines never are in memory. */
const BATCH = 2000
/** It says how far it is after so many, every few seconds. */
const TELL_EVERY = 10 * BATCH

/** `millrace queue add DEPLOYMENT` */
export async function addRuns(name: string, options: AddOptions): Promise<void> {
  const { paramsFile, keyField, keyScope, notBefore } = options
  const request: RunRequest = {
    ...readRequest(options),
    ...(notBefore !== undefined && { notBefore: timeAhead(notBefore, '--not-before') }),
  }
  const source = paramsFile === undefined ? undefined : await lineSource(paramsFile, '--params-file')
  await withStore(options, async (store) => {
    const deployment = await findDeployed(store.database, name)
    const given = await (await paramReader(deployment.flow)).read(options.param ?? [])
    const sets = async function* (): AsyncIterable<ParamSet> {
      if (source) yield* readParamSets(source, given, keyField)
      else yield withKey(given, keyField, '--param')
    }
    // A mistake in the last line of a file queues nothing of it.
    if (source?.isFile) for await (const _ of sets());
    const runs = runsOf(deployment, sets(), request, keyScope)
    await queueAll(store, runs, { json: options.json ?? false, name })
  })
}

/** @throws UserError naming the option that is wrong, before anything is queued */
export function readRequest({ queue, priority, labels }: RequestOptions): RunRequest {
  return {
    ...(queue !== undefined && { queue }),
    ...(priority !== undefined && { priority: wholeNumber(priority, '--priority') }),
    ...(labels && { labels }),
  }
}

/** A run of the deployment for each set of parameters. */
export async function* runsOf(
  deployment: DeploymentRecord,
  sets: AsyncIterable<ParamSet>,
  request: RunRequest,
  scope: KeyScope,
): AsyncIterable<QueuedRun> {
  for await (const { params, key } of sets) {
    const safe = hideSecrets(params) as Record<string, unknown>
    yield runOfDeployment(deployment, {
      ...request,
      params: safe,
      ...(key !== undefined && { key: { text: key, scope } }),
    })
  }
}

/**
 * Queues runs as they come, and says what became of them.
 * @throws UserError that says how many were queued before something was wrong
 */
export async function queueAll(
  store: PostgresStore,
  runs: AsyncIterable<QueuedRun>,
  { json, name }: { readonly json: boolean; readonly name: string },
): Promise<void> {
  let [queued, known] = [0, 0]
  try {
    for await (const batch of batchesOf(runs, BATCH)) {
      const all = await enqueue(store, batch)
      for (const each of all) each.isKnown ? known++ : queued++
      if (json) for (const each of all) print(JSON.stringify(shown(each)))
      if ((queued + known) % TELL_EVERY === 0) process.stderr.write(`${queued + known} runs so far\n`)
    }
  } catch (error) {
    if (!(error instanceof UserError) || queued + known === 0) throw error
    throw new UserError(`${error.message} (${queued} runs are queued by now)`, error.hint)
  }
  if (json) return
  const before = known > 0 ? `; ${known === 1 ? 'one was' : `${known} were`} known` : ''
  print(`${queued === 1 ? 'One run' : `${queued} runs`} of ${name} queued${before}`)
}

function shown({ run, isKnown }: Enqueued): object {
  const { source: _source, ...facts } = run
  return { ...facts, isKnown }
}
