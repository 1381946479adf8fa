import { setTimeout as sleep } from 'node:timers/promises'
import { type FlowRun, isFinalRun, type RunStore, type StoredLog } from '@millrace/engine'
import type { LogLevel } from '@millrace/sdk'

export interface FollowOptions {
  readonly level?: LogLevel | undefined
  /** Go on until the run is over. */
  readonly watch: boolean
  /** Called again and again while it goes. */
  readonly onLook?: (run: FlowRun) => void | Promise<void>
  readonly signal?: AbortSignal
}

/** Gives the log lines of a run, in order, as they come. @returns the run as it was seen last */
export async function followRun(
  store: RunStore,
  id: string,
  print: (line: StoredLog) => void,
  { level, watch, onLook, signal }: FollowOptions,
): Promise<FlowRun | undefined> {
  let last = 0
  const printNew = async (): Promise<void> => {
    for (;;) {
      const lines = await store.logs(id, { after: last, limit: 1000, ...(level && { level }) })
      for (const line of lines) {
        last = line.id
        print(line)
      }
      if (lines.length < 1000) return
    }
  }
  let wake = (): void => {}
  const unlisten = watch ? await store.listen(id, () => wake()) : () => {}
  signal?.addEventListener('abort', () => wake())
  try {
    for (;;) {
      // Before its lines: what was written before it was over is there then.
      const run = await store.findRun(id)
      await printNew()
      if (!watch || !run || isFinalRun(run.state) || signal?.aborted) return run
      await onLook?.(run)
      // A notification, or a look every second in case one was lost.
      await Promise.race([new Promise<void>((resolve) => (wake = resolve)), sleep(1000)])
    }
  } finally {
    unlisten()
  }
}
