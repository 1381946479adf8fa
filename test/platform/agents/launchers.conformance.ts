import { afterAll, afterEach, beforeAll, describe } from 'vitest'
import { arriving } from './conformance/arriving.ts'
import { cancelling } from './conformance/cancelling.ts'
import { launching } from './conformance/launching.ts'
import { listing } from './conformance/listing.ts'
import { removing } from './conformance/removing.ts'
import { states } from './conformance/states.ts'
import { tails } from './conformance/tails.ts'
import { troubles } from './conformance/troubles.ts'
import type { LauncherStage } from './stage.ts'

/**
 * What an agent may count on, whichever way it launches. A stage is opened once for all of it; what a test launches is
 * removed after it, and may still be ending when the next begins.
 */
export function launchersConformance(name: string, open: () => Promise<LauncherStage>): void {
  describe(name, () => {
    let stage: LauncherStage
    beforeAll(async () => {
      stage = await open()
    })
    afterEach(async () => {
      const { launcher } = stage
      // A fault that a test did not use up is no fault of the next.
      const left = await launcher.list().catch(() => launcher.list())
      await Promise.allSettled(left.map(({ handle }) => launcher.remove(handle)))
    })
    afterAll(async () => {
      await stage?.close()
    })
    const topics = { launching, arriving, states, cancelling, removing, listing, tails, troubles }
    for (const [topic, tests] of Object.entries(topics)) describe(topic, () => tests(() => stage))
  })
}
