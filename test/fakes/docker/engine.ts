import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { StartProcess } from './container.ts'
import { answer, type FakeEngine } from './routes.ts'

/** A Docker engine that is none, on a socket of its own. */
export interface ServedEngine extends FakeEngine {
  readonly socketPath: string
  /** Logins that pulls came with: as JSON, or undefined. */
  readonly logins: (string | undefined)[]
  /** What was asked for so far. */
  readonly urls: string[]
  close(): Promise<void>
}

/** @param start starts what runs in a container, as a process of this machine */
export async function fakeDocker(start: StartProcess): Promise<ServedEngine> {
  const engine: FakeEngine = {
    containers: new Map(),
    names: new Map(),
    volumes: new Map(),
    images: new Set(),
    registry: new Map(),
    start,
  }
  const logins: (string | undefined)[] = []
  const urls: string[] = []
  const served = await onSocket(async (request, response) => {
    const body = await text(request).catch(() => '')
    const header = request.headers['x-registry-auth']
    const login = typeof header === 'string' ? Buffer.from(header, 'base64url').toString() : undefined
    const url = new URL(request.url ?? '/', 'http://docker')
    urls.push(request.url ?? '')
    if (url.pathname.endsWith('/images/create')) logins.push(login)
    const send = (piece: string): void => void response.write(piece)
    const { status, body: told } = await answer(engine, { method: request.method ?? '', url, body, login, send })
    if (response.headersSent) return void response.end()
    const isJson = typeof told === 'object' && !Buffer.isBuffer(told)
    response.writeHead(status, { 'content-type': isJson ? 'application/json' : 'application/octet-stream' })
    response.end(isJson ? `${JSON.stringify(told)}\n` : told)
  })
  return {
    ...engine,
    logins,
    urls,
    socketPath: served.socketPath,
    async close() {
      await Promise.all([...engine.containers.values()].map((container) => container.kill()))
      await served.close()
    },
  }
}

/** Serves HTTP on a socket in a folder of its own. */
export async function onSocket(
  listener: (...args: Parameters<RequestListener>) => Promise<void>,
): Promise<{ readonly socketPath: string; close(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-engine-'))
  const socketPath = join(folder, 'docker.sock')
  const server = createServer((request, response) => {
    // A fake that fails answers nothing, and is heard of.
    listener(request, response).catch((error) => response.destroy(error))
  })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  return {
    socketPath,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
