import { fakeStage } from '../../fakes/kubernetes/fake-stage.ts'
import { agentsConformance } from './agents.conformance.ts'
import { launchersConformance } from './launchers.conformance.ts'

launchersConformance('kubernetes, on a cluster that is a fake', fakeStage)
agentsConformance('kubernetes, on a cluster that is a fake', fakeStage)
