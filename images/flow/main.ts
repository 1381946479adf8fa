// Starts a flow: the run that MILLRACE_RUN names, or, without one, a run as its arguments ask for it.
import { useCompiledCode } from '../runtime/compiled-code.ts'

useCompiledCode()
const code = process.env.MILLRACE_RUN
  ? await (await import('./drive-one.ts')).driveOne()
  : await (await import('./at-home.ts')).byHandAtHome(process.argv.slice(2))
// What a flow left behind (an open socket, a timer) must not keep the container alive.
process.stdout.write('', () => process.exit(code))
