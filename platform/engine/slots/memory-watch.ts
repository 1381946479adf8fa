import type { SlotCall } from './call.ts'
import { now } from './run-call.ts'
import type { RunningBatch } from './running-batch.ts'
import { outOfMemory } from './thread-errors.ts'
import type { ThreadPools } from './thread-pools.ts'

/** A thread so far above its limit (as a multiple of it) is ended at once. */
const FAR = 2
/** How long (ms) a thread may take to collect its garbage; one that is too busy to answer is judged as it stands. */
const PATIENCE = 250

/** Most memory (bytes) that a call may take, if there is a limit. */
export function limitOf(call: SlotCall, limit: number | undefined): number | undefined {
  return call.memory === undefined ? limit : Math.min(call.memory, limit ?? call.memory)
}

/** Looks how much memory the thread of a batch takes, heap and buffers, and ends the call that takes too much. */
export async function watchMemory(batch: RunningBatch, pools: ThreadPools, most: number | undefined): Promise<void> {
  const [running] = batch.runningCalls()
  if (batch.thread === undefined || !running) return
  const [index] = running
  const { call } = batch.at(index).job
  const limit = limitOf(call, most)
  if (limit === undefined || batch.isStopping(index)) return
  const thread = await pools.thread(batch.first.job.source, batch.thread)
  const heap = await thread?.getHeapStatistics().catch(() => undefined)
  if (!heap || !batch.open.has(index) || batch.isStopping(index)) return
  const used = heap.used_heap_size + heap.external_memory
  const { memory } = batch
  memory.peak = Math.max(memory.peak, used)
  if (used <= limit) memory.asked = undefined
  else if (memory.asked === undefined) {
    // It may be garbage.
    memory.asked = now()
    memory.left = undefined
    batch.collectGarbage()
  } else if (memory.left !== undefined && memory.left <= limit) memory.asked = undefined
  const isLate = memory.asked !== undefined && now() - memory.asked > PATIENCE
  const isReal = memory.asked !== undefined && (memory.left ?? 0) > limit
  if (isReal || isLate || used > limit * FAR) batch.endCall(index, outOfMemory(call, limit, memory.peak))
}
