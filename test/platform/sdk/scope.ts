import type { Scope } from '../../../platform/sdk/index.ts'

/** The scope of a run in which nothing is recorded. */
export function testScope(parts: Partial<Scope> = {}): Scope {
  return {
    run: {
      id: 'run-1',
      flow: 'test',
      name: 'test-1',
      params: {},
      env: 'dev',
      attempt: 1,
      config: undefined,
      scratch: 'file:.millrace/scratch/run-1',
    },
    signal: new AbortController().signal,
    log: () => {},
    progress: () => {},
    ...parts,
  }
}
