import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Processor time so far, in ticks of the clock. */
interface Ticks {
  /** Of the whole machine, waiting included. */
  readonly all: number
  /** Of all processes. */
  readonly busy: number
  /** Of this process and all that it started. */
  readonly own: number
}

/**
 * Begins to measure how much of the machine's processors others take.
 * @returns a function that gives their share so far, 0 to 1; undefined where /proc does not tell
 */
export function watchOthers(): () => number | undefined {
  const before = ticks()
  return () => {
    const after = ticks()
    if (!before || !after || after.all === before.all) return undefined
    const others = after.busy - before.busy - (after.own - before.own)
    return Math.min(1, Math.max(0, others / (after.all - before.all)))
  }
}

/** Waits until others leave the processors alone, `patience` seconds at most, or until it is told to stop. */
export async function waitForQuiet(patience: number, stop: AbortSignal): Promise<void> {
  for (const end = Date.now() + patience * 1000; Date.now() < end && !stop.aborted; ) {
    const others = watchOthers()
    await sleep(500)
    if ((others() ?? 0) < 0.1) return
  }
}

function ticks(): Ticks | undefined {
  try {
    const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n')
    const [user = 0, nice = 0, system = 0, idle = 0, waiting = 0, ...interrupts] = line
      .split(/\s+/)
      .slice(1, 9)
      .map(Number)
    const busy = user + nice + system + interrupts.reduce((sum, each) => sum + each, 0)
    return { busy, all: busy + idle + waiting, own: ownTicks() }
  } catch {
    return undefined
  }
}

/** A process that ended is counted by its parent, once that took note. */
function ownTicks(): number {
  const processes = new Map<number, { parent: number; ticks: number }>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8')
      // From proc(5): after the name in brackets come state, parent, …; utime, stime, cutime, cstime are the 14th to 17th.
      const fields = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number)
      const spent = fields.slice(11, 15).reduce((sum, each) => sum + each, 0)
      processes.set(Number(entry), { parent: fields[1] ?? 0, ticks: spent })
    } catch {
      // It ended meanwhile.
    }
  }
  const isOwn = (pid: number): boolean => {
    const found = processes.get(pid)
    return pid === process.pid || (found !== undefined && found.parent > 1 && isOwn(found.parent))
  }
  let own = 0
  for (const [pid, { ticks: spent }] of processes) if (isOwn(pid)) own += spent
  return own
}
