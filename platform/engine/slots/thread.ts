import { threadId, workerData } from 'node:worker_threads'
import { configFor, type Flow, type RunInfo, resolveSecrets, taskNamed, UserError } from '@millrace/sdk'
import { flowSource, importFlow } from '../flow-source.ts'
import { toError, toFailure } from '../values/failure.ts'
import { type Batch, BatchControl, type FromThread, type ThreadData, type ToThread } from './batch.ts'
import type { Outcome, RunFacts, SlotCall } from './call.ts'
import { now, runCall, startTimeout } from './run-call.ts'

/** Outcomes that follow each other faster than this (ms) are sent together. */
const SEND_EVERY = 2

let loading: Promise<Flow> | undefined

/** Loads the flow of this thread, and makes sure that it is the code that the run was started with. */
function loadFlowOnce({ root, source }: ThreadData): Promise<Flow> {
  loading ??= (async () => {
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

/** The run as tasks see it. Secrets are read here, when first used: their values never travel. */
function runInfo(facts: RunFacts, flow: Flow): RunInfo {
  return {
    ...facts,
    get params() {
      return resolveSecrets(facts.params)
    },
    get config() {
      return configFor(flow.definition, facts.env)
    },
  }
}

/** What the pool runs: works through a batch, and returns when none of its calls is left. */
export default async function runBatch(batch: Batch): Promise<void> {
  const { port, calls } = batch
  const control = new BatchControl(batch.control)
  const shared = new Map(batch.shared.map((each) => [each.hash, each]))
  const running = new Map<number, AbortController>()
  const unsent: [number, Outcome][] = []
  let sentAt = 0
  let timer: NodeJS.Timeout | undefined

  const send = (message: FromThread, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer)
  const sendOutcomes = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (unsent.length === 0) return
    const outcomes = unsent.splice(0)
    sentAt = now()
    const transfer = outcomes.flatMap(([, { result }]) => (result ? [result.buffer] : []))
    send({ kind: 'outcomes', outcomes }, transfer)
  }
  if (batch.watched) send({ kind: 'thread', id: threadId })
  port.on('message', ({ index, failure }: ToThread) => running.get(index)?.abort(toError(failure)))

  const run = async (index: number): Promise<Outcome> => {
    const { shared: hash, ...rest } = calls[index] as Batch['calls'][number]
    const call: SlotCall = { ...rest, shared: hash === undefined ? undefined : shared.get(hash) }
    const controller = new AbortController()
    running.set(index, controller)
    const stopTimeout = startTimeout(call, controller)
    let progressAt = 0
    try {
      const flow = await loadFlowOnce(workerData as ThreadData)
      return await runCall(call, {
        run: runInfo(batch.run, flow),
        definition: taskNamed(call.task),
        signal: controller.signal,
        log: (entry) => send({ kind: 'log', index, entry }),
        progress: (progress) => {
          const time = now()
          if (time - progressAt < 100 && progress.done !== progress.total) return
          progressAt = time
          send({ kind: 'progress', index, progress })
        },
      })
    } catch (error) {
      const time = now()
      return { state: 'Failed', failure: toFailure(error), started: time, ended: time }
    } finally {
      stopTimeout()
      running.delete(index)
    }
  }
  const lane = async (): Promise<void> => {
    for (let index = control.take(); index < calls.length; index = control.take()) {
      control.started(index, now())
      const outcome = await run(index)
      control.ended(index)
      unsent.push([index, outcome])
      if (outcome.ended - sentAt >= SEND_EVERY) sendOutcomes()
      else timer ??= setTimeout(sendOutcomes, SEND_EVERY)
    }
  }
  await Promise.all(Array.from({ length: batch.width }, lane))
  sendOutcomes()
  port.close()
}
