import type { ExecutorKind } from '@millrace/engine'
import { afterAll, beforeAll, describe } from 'vitest'
import { cachedResults } from './conformance/cache.ts'
import { cancellation } from './conformance/cancellation.ts'
import { errors } from './conformance/errors.ts'
import { futures } from './conformance/futures.ts'
import { iteration } from './conformance/iteration.ts'
import { limits } from './conformance/limits.ts'
import { maps } from './conformance/maps.ts'
import { memoryLimits } from './conformance/memory.ts'
import { news } from './conformance/news.ts'
import { placement } from './conformance/placement.ts'
import { retries } from './conformance/retries.ts'
import { runFacts } from './conformance/run-facts.ts'
import { scale } from './conformance/scale.ts'
import { secrets } from './conformance/secrets.ts'
import { skipping } from './conformance/skipping.ts'
import { timeouts } from './conformance/timeouts.ts'
import { values } from './conformance/values.ts'
import { openStage, type Stage } from './stage.ts'

/** What a flow may count on, whichever executor runs its tasks. */
export function executorConformance(kind: ExecutorKind): void {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage(kind)
  })
  afterAll(async () => {
    await stage?.close()
  })
  const topics = {
    maps,
    futures,
    iteration,
    values,
    errors,
    retries,
    timeouts,
    cancellation,
    limits,
    skipping,
    'cached results': cachedResults,
    news,
    secrets,
    'run facts': runFacts,
    placement,
    // The driver's own thread has no limit.
    ...(kind !== 'inline' && { 'memory limits': memoryLimits }),
    scale,
  }
  for (const [topic, tests] of Object.entries(topics)) describe(topic, () => tests(kind, () => stage))
}
