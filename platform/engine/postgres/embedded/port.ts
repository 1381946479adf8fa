import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Whether a server could listen on this port of 127.0.0.1 now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/**
 * A free port to be remembered. It is below the range from which systems take the ports of outgoing connections
 * (Linux from 32768, macOS and Windows from 49152): otherwise any of those could occupy it before the next start.
 */
export async function pickPort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_768)
    if (await isFree(port)) return port
  }
}
