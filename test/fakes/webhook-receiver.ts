import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { SelfSigned } from './webhook-certificate.ts'

/** A webhook as it came in. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What is answered; `silence`: nothing, the connection stays open. */
export type WebhookAnswer =
  | 'silence'
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }

/** A server that takes webhooks, on this machine. */
export interface Receiver {
  readonly url: string
  readonly received: readonly Received[]
  /** What comes next, in order; the last one stays. */
  answers: readonly WebhookAnswer[]
  close(): Promise<void>
}

/** @param tls what it shows of itself; then its address is `https://localhost…` */
export async function webhookReceiver({ tls }: { readonly tls?: SelfSigned } = {}): Promise<Receiver> {
  const received: Received[] = []
  const receiver = { answers: [{ status: 204 }] as readonly WebhookAnswer[] }
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '', headers } = request
    let body: string
    try {
      body = await text(request)
    } catch {
      return // Whoever sent it went away.
    }
    const answer = receiver.answers[Math.min(received.length, receiver.answers.length - 1)]
    received.push({ method, path: url, headers, body })
    if (!answer || answer === 'silence') return
    response.writeHead(answer.status, answer.headers)
    response.end(answer.body)
  }
  const server = tls ? createTlsServer({ ...tls }, take) : createServer(take)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(receiver, {
    url: tls ? `https://localhost:${port}/hook` : `http://127.0.0.1:${port}/hook`,
    received,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}
