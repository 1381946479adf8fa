// Starts a worker: it runs tasks of any run of its database, until it is told to go.
import { useCompiledCode } from '../runtime/compiled-code.ts'

useCompiledCode()
const code = await (await import('./work.ts')).work()
process.stdout.write('', () => process.exit(code))
