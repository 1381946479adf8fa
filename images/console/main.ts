// Starts the console: until there is one, a page that says that the service is up.
import { serve } from './serve.ts'

const server = await serve(Number(process.env.PORT || 8080))
const stop = (): void => {
  server.close(() => process.exit(0))
  server.closeIdleConnections()
}
process.on('SIGTERM', stop).on('SIGINT', stop)
