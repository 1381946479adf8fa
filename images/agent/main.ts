// Starts an agent: it claims flow runs and launches them, until it is told to go.
import { serveRuns } from './serve-runs.ts'

const code = await serveRuns()
process.stdout.write('', () => process.exit(code))
