import { coldHello } from './cold-hello.ts'
import { commitToLine } from './commit-to-line.ts'
import { datacube, datacubeGrowth } from './datacube.ts'
import { driverKilled } from './driver-killed.ts'
import { fanOut } from './fan-out.ts'
import { firstLine } from './first-line.ts'
import { growth } from './growth.ts'
import type { Benchmark } from './harness/benchmark.ts'
import { lightFlow } from './light-flow.ts'
import { peers } from './peers.ts'
import { pgBoss } from './pg-boss.ts'
import { queuedRuns } from './queued-runs.ts'
import { roundTrip } from './round-trip.ts'
import { workerKilled } from './worker-killed.ts'

/** All benchmarks, in the order in which they run. */
export const benchmarks: readonly Benchmark[] = [
  fanOut,
  roundTrip,
  lightFlow,
  coldHello,
  workerKilled,
  driverKilled,
  growth,
  firstLine,
  queuedRuns,
  commitToLine,
  peers,
  pgBoss,
  // Last: the many files that they leave to be removed make a disk slow for minutes.
  datacube,
  datacubeGrowth,
]
