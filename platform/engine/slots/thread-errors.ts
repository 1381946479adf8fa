import { formatBytes } from '@millrace/sdk'
import { OutOfMemoryError } from '../values/failure.ts'
import type { SlotCall } from './call.ts'

/** Why a thread ended that ran just this call. */
export function brokenThread(call: SlotCall, error: unknown, peakMemory: number): Error {
  if ((error as { code?: string } | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return outOfMemory(call, call.memory, peakMemory)
  }
  const text = error instanceof Error ? error.message : String(error)
  if (/exited with code/.test(text)) return new Error(`task ${call.task} ended its thread (process.exit?): ${text}`)
  return error instanceof Error ? error : new Error(text)
}

/** @param limit bytes @param peak bytes, as far as it was seen */
export function outOfMemory(call: SlotCall, limit: number | undefined, peak: number): OutOfMemoryError {
  const limits = limit === undefined ? '' : `, limit ${formatBytes(limit)}`
  const most = Math.max(peak, limit ?? 0)
  return new OutOfMemoryError(
    `task ${call.task} ran out of memory${limits}${most > 0 ? `, peak ${formatBytes(most)}` : ''}`,
  )
}
