import { enableCompileCache } from 'node:module'
import { join } from 'node:path'

// gRPC and what it needs are some hundred files: compiled once is enough.
enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/plan'))
const { command } = await import('./command.ts')
process.exitCode = await command(process.argv.slice(2))
