import { join } from 'node:path'
import { type Bench, ROOT } from '../harness/bench.ts'
import type { Contender } from '../harness/contender.ts'

export interface Dask extends Contender {
  /** Versions of Dask and Python. */
  readonly about: string
}

/** Starts a Dask LocalCluster: two processes of one thread. Nothing of it outlives its memory. */
export async function startDask(bench: Bench, python: string, how: 'as it comes' | 'tuned'): Promise<Dask> {
  const child = bench.child(python, [join(ROOT, 'bench/dask/measure.py'), ...(how === 'tuned' ? ['--tuned'] : [])])
  const about = JSON.parse(await child.nextLine()) as { dask: string; python: string }
  const ask = async (question: string): Promise<unknown> => {
    const answer = child.nextLine()
    child.tell(question)
    return JSON.parse(await answer)
  }
  return {
    about: `Dask ${about.dask}, Python ${about.python}`,
    map: async (count) => Number(await ask(`map ${count}`)),
    inTurn: async (count) => (await ask(`turn ${count}`)) as number[],
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await child.exited
    },
  }
}
