import { readFileSync } from 'node:fs'

const LOOK_EVERY = 50

interface Usage {
  /** Most memory (bytes, resident) that a process and its descendants had at one time. */
  readonly peakMemory: number
  readonly cpuSeconds: number
}

/** Watches a process and its descendants, by /proc. @returns a function that ends it and tells what they took */
export function watchProcess(pid: number): () => Usage {
  let peakMemory = 0
  let cpuSeconds = 0
  const timer = setInterval(() => {
    const usage = usageOf(pid)
    peakMemory = Math.max(peakMemory, usage.resident)
    cpuSeconds = Math.max(cpuSeconds, usage.cpuSeconds)
  }, LOOK_EVERY)
  return () => {
    clearInterval(timer)
    return { peakMemory, cpuSeconds }
  }
}

/** From proc(5): pages of 4096 bytes, 100 ticks a second. */
function usageOf(pid: number): { resident: number; cpuSeconds: number } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
    let resident = Number(fields[21]) * 4096
    let cpuSeconds = (Number(fields[11]) + Number(fields[12])) / 100
    for (const child of children) {
      const usage = usageOf(Number(child))
      resident += usage.resident
      cpuSeconds += usage.cpuSeconds
    }
    return { resident, cpuSeconds }
  } catch {
    // It ended meanwhile, or this system has no /proc.
    return { resident: 0, cpuSeconds: 0 }
  }
}
