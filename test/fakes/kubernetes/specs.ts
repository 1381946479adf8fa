import type { JobSpec } from '../../../platform/agents/launcher.ts'

export const IMAGE = `registry.example/millrace/flow-hello@sha256:${'a1'.repeat(32)}`

let runs = 0

/** A spec of a new run, for a cluster whose containers run nothing. */
export function specOf(more: Partial<JobSpec> = {}): JobSpec {
  const run = more.run ?? `run${String(++runs).padStart(4, '0')}`
  const launch = more.launch ?? 1
  return {
    name: `millrace-${run}-${launch}`,
    run,
    launch,
    flow: 'hello',
    stack: 'test',
    image: IMAGE,
    environment: { MILLRACE_RUN: run },
    driver: {},
    workers: { count: 0 },
    ...more,
  }
}
