// An agent that launches one job on this machine, says so, and waits to be killed: agent.ts OPTIONS SPEC (JSON)
import type { JobSpec } from '../../../../platform/agents/launcher.ts'
import { type ProcessLauncherOptions, processLauncher } from '../../../../platform/agents/launchers/process.ts'

const [options = '', spec = ''] = process.argv.slice(2)
const launcher = processLauncher(JSON.parse(options) as ProcessLauncherOptions)
await launcher.launch(JSON.parse(spec) as JobSpec)
process.stdout.write('launched\n')
setInterval(() => {}, 60_000)
