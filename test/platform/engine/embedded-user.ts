// A process of its own that uses an embedded Postgres, for embedded.test.ts:
//   node embedded-user.ts <embedded.ts> <dir> [attached|standing]
// It prints {url, pid} or {error, hint} as one line. Then "stop" on its input makes it stop and end, "exit" end alone.
import { createInterface } from 'node:readline'

const [modulePath = '', dir = '', lifetime = 'attached'] = process.argv.slice(2)
const { startEmbeddedPostgres } = await import(modulePath)

try {
  const server = await startEmbeddedPostgres({ dir, lifetime })
  console.log(JSON.stringify({ url: server.url, pid: server.pid }))
  for await (const command of createInterface({ input: process.stdin })) {
    if (command === 'stop') await server.stop()
    process.exit()
  }
} catch (error) {
  const { message, hint } = error as { message: string; hint?: string }
  console.log(JSON.stringify({ error: message, hint }))
}
