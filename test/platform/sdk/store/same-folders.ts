/** A thread that writes objects whose folders another thread needs at the same moment; it answers how often that failed. */
import { parentPort, workerData } from 'node:worker_threads'
import { store } from '../../../../platform/sdk/index.ts'

const { url, gate, thread, rounds } = workerData as {
  readonly url: string
  readonly gate: SharedArrayBuffer
  readonly thread: number
  readonly rounds: number
}
const arrived = new Int32Array(gate)
let failures = 0
for (let round = 1; round <= rounds; round++) {
  Atomics.add(arrived, 0, 1)
  while (Atomics.load(arrived, 0) < 2 * round);
  await store(url)
    .write(`${round}/a/b/${thread}.txt`, 'x')
    .catch(() => failures++)
}
parentPort?.postMessage(failures)
