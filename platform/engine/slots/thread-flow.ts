import { workerData } from 'node:worker_threads'
import { type Flow, UserError } from '@millrace/sdk'
import { flowSource, importFlow } from '../flow-source.ts'
import { unpack } from '../values/wire.ts'
import type { Batch, ThreadData } from './batch.ts'
import type { RunFacts } from './call.ts'

let loading: Promise<Flow> | undefined

/** Loads the flow of this thread, and makes sure that it is the code that the run was started with. */
export function loadThreadFlow(): Promise<Flow> {
  loading ??= (async () => {
    const { root, source } = workerData as ThreadData
    const here = flowSource(root, source.flow, source.path)
    if (here.digest !== source.digest) {
      throw new UserError(
        `the code of flow ${source.flow} here is another than the run was started with`,
        'It was changed since, or this worker has another version of it. Start the run again, or update the worker.',
      )
    }
    return importFlow(root, source)
  })()
  return loading
}

let known: { readonly key: string; readonly facts: RunFacts } | undefined

/** What the tasks of a batch can know of their run. Secrets are read here, when first used: their values never travel. */
export function runFactsOf(batch: Batch): RunFacts {
  if (known?.key !== batch.runKey) known = { key: batch.runKey, facts: unpack(new Uint8Array(batch.run).slice()) }
  return known.facts
}
