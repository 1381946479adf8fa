import { describe, it } from 'vitest'
import { engineVersion, realStage } from '../../fakes/docker/real-stage.ts'
import { launchersConformance } from './launchers.conformance.ts'

const version = await engineVersion()
if (version === undefined) {
  console.warn('SKIPPED: no Docker engine answers, so that the launcher is tested on one that is a fake alone')
  describe('docker, on an engine', () => it.skip('is not tested: no engine answers', () => {}))
} else {
  launchersConformance(`docker, on an engine (${version})`, realStage)
}
