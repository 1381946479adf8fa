import { request as ask, type IncomingMessage, type RequestOptions, type ServerResponse } from 'node:http'
import { onSocket } from './engine.ts'

type Fault = 'answer lost' | 'away' | 'denied' | 'refused'

/** What the engine says, or an authorization plugin of it. */
export const DENIED = 'authorization denied by plugin policy: container_create is not allowed'
export const REFUSED = 'invalid mount config for type "bind": bind source path does not exist: /data'

/** Stands between a client and an engine, a real one or not, and makes things go wrong. */
export interface FaultyEngine {
  readonly socketPath: string
  /** The next requests go wrong; those of `answer lost` and `refused` that change something. */
  breakNext(fault: Fault, times: number): void
  /** So many requests are answered, one more is not, though it is done; then every connection breaks. */
  cutAfter(requests: number): void
  mend(): void
  close(): Promise<void>
}

/** @param target where the engine is: `{ socketPath }`, or `{ host, port }` */
export async function faultyEngine(target: RequestOptions): Promise<FaultyEngine> {
  let fault: { readonly kind: Fault; times: number } | undefined
  let left = Number.POSITIVE_INFINITY

  function faultOf({ method }: IncomingMessage): Fault | undefined {
    if (left <= 0) return left-- === 0 ? 'answer lost' : 'away'
    left--
    if (!fault || fault.times === 0) return undefined
    if (method === 'GET' && (fault.kind === 'answer lost' || fault.kind === 'refused')) return undefined
    fault.times--
    return fault.kind
  }

  const served = await onSocket(async (request, response) => {
    const kind = faultOf(request)
    if (kind === 'away') return void response.destroy()
    if (kind === 'denied') return say(response, 403, DENIED)
    if (kind === 'refused') return say(response, 400, REFUSED)
    const { method, url, headers } = request
    const passed = ask({ ...target, method, path: url, headers }, (answer) => {
      if (kind === 'answer lost') {
        answer.resume().once('end', () => response.destroy())
        return
      }
      response.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(response)
    })
    passed.once('error', () => response.destroy())
    response.once('close', () => passed.destroy())
    request.pipe(passed)
  })

  return {
    socketPath: served.socketPath,
    breakNext: (kind, times) => {
      fault = { kind, times }
    },
    cutAfter: (requests) => {
      left = requests
    },
    mend: () => {
      left = Number.POSITIVE_INFINITY
    },
    close: () => served.close(),
  }
}

function say(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ message }))
}
