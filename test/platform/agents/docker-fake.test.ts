import { fakeStage } from '../../fakes/docker/fake-stage.ts'
import { agentsConformance } from './agents.conformance.ts'
import { launchersConformance } from './launchers.conformance.ts'

launchersConformance('docker, on an engine that is a fake', fakeStage)
agentsConformance('docker, on an engine that is a fake', fakeStage)
