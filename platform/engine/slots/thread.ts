import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { threadId, workerData } from 'node:worker_threads'
import { currentScope, type LogEntry, type RunInfo, redact, resolveSecrets, taskNamed, UserError } from '@millrace/sdk'
import { flowSource, importFlow } from '../flow-source.ts'
import { decode } from '../values/codec.ts'
import { toError, toFailure } from '../values/failure.ts'
import { type Batch, BatchControl, type FromThread, type ThreadData, type ToThread } from './batch.ts'
import type { Outcome, RunFacts, SlotCall } from './call.ts'
import { now, runCall, startTimeout } from './run-call.ts'

/** Outcomes that follow each other faster than this (ms) are sent together. */
const SEND_EVERY = 2

let loading: Promise<unknown> | undefined

/** Loads the flow of this thread, and makes sure that it is the code that the run was started with. */
function loadFlowOnce({ root, source }: ThreadData): Promise<unknown> {
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
function runInfo({ values, ...facts }: RunFacts): RunInfo {
  return {
    ...facts,
    get params() {
      return decode(values)
    },
    get config() {
      return resolveSecrets(facts.config)
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
  tell = send
  for (const stray of strays.splice(0)) send(stray)
  port.on('message', (message: ToThread) => {
    if (message.kind === 'stop') running.get(message.index)?.abort(toError(message.failure))
    else if (message.kind === 'ping') send({ kind: 'thread', id: threadId })
    else send({ kind: 'memory', used: usedAfterCollection() })
  })

  const run = async (index: number): Promise<Outcome> => {
    const { shared: hash, ...rest } = calls[index] as Batch['calls'][number]
    const call: SlotCall = { ...rest, shared: hash === undefined ? undefined : shared.get(hash) }
    const controller = new AbortController()
    running.set(index, controller)
    const stopTimeout = startTimeout(call, controller)
    let progressAt = 0
    try {
      await loadFlowOnce(workerData as ThreadData)
      return await runCall(call, {
        run: runInfo(batch.run),
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
  tell = undefined
  port.close()
}

/** Bytes in use once garbage is gone. */
function usedAfterCollection(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory
}

let tell: ((message: FromThread) => void) | undefined
/** What became of promises that tasks left behind, while no batch was there to tell it. */
const strays: FromThread[] = []

// A task that is over must not take the thread, and with it another task, when a promise it left behind fails.
process.on('unhandledRejection', (reason) => {
  const scope = currentScope() as { task?: string; seq?: number } | undefined
  const text = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)
  const entry: LogEntry = {
    time: Date.now(),
    level: 'error',
    message: redact(`a promise that nobody waited for failed: ${text}`),
  }
  const stray: FromThread = { kind: 'stray', task: scope?.task ?? 'unknown', seq: scope?.seq ?? 0, entry }
  if (tell) tell(stray)
  else strays.push(stray)
})
