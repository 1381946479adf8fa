import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as the fakes see it: its body is all there. */
export interface Ask {
  readonly method: string
  /** Decoded; the parts between "/" are still encoded in {@link Ask.parts}. */
  readonly url: URL
  /** Parts of the path, each decoded. */
  readonly parts: readonly string[]
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** What a fake answers. */
export interface Answer {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: string | Uint8Array
  /** Break the connection after this many bytes of the body. */
  readonly breakAfter?: number
}

/** A fake that listens on this machine. */
export interface Served {
  readonly endpoint: string
  close(): Promise<void>
}

/** Time for the bytes before a break to be read: a client drops what it has not read when the connection breaks. */
const ARRIVED_MS = 40

/** Serves a function from requests to answers on a free port. */
export async function serve(answer: (ask: Ask) => Answer): Promise<Served> {
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = []
    try {
      for await (const piece of request) pieces.push(piece)
    } catch {
      return // The client went away.
    }
    const url = new URL(request.url ?? '/', 'http://fake')
    const parts = url.pathname.split('/').slice(1).map(decodeURIComponent)
    const ask = { method: request.method ?? '', url, parts, headers: request.headers, body: Buffer.concat(pieces) }
    const { status, headers = {}, body = '', breakAfter } = answer(ask)
    const bytes = Buffer.from(body as Uint8Array)
    response.writeHead(status, { 'content-length': bytes.length, ...headers })
    if (breakAfter === undefined) response.end(request.method === 'HEAD' ? undefined : bytes)
    else response.write(bytes.subarray(0, breakAfter), () => setTimeout(() => response.destroy(), ARRIVED_MS))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
