import { createServer, type ServerResponse } from 'node:http'
import { clusterPool, type Database, queueDepth } from '@millrace/engine'
import type { Agent } from './agent.ts'

export interface AgentServer {
  readonly port: number
  close(): Promise<void>
}

/**
 * Answers who looks after an agent (`/health`), and who scales worker clusters: `/queues/NAME` says how many tasks wait or
 * run there, for KEDA's metrics-api scaler. https://keda.sh/docs/latest/scalers/metrics-api/
 */
export async function serveAgent(port: number, database: Database, agent: Agent): Promise<AgentServer> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://agent')
    try {
      if (request.method !== 'GET') return answer(response, 405, { error: 'only GET is answered here' })
      if (pathname === '/health')
        return answer(response, 200, { status: 'ok', agent: agent.name, going: agent.running })
      const [, cluster] = /^\/queues\/([a-z][a-z0-9-]{0,62})$/.exec(pathname) ?? []
      if (cluster === undefined) return answer(response, 404, { error: 'there is nothing here' })
      const { waiting, running } = await queueDepth(database, clusterPool(cluster))
      // Those that run count: workers that hold them are not to be taken away.
      answer(response, 200, { tasks: waiting + running, waiting, running })
    } catch (error) {
      answer(response, 503, { error: error instanceof Error ? error.message : String(error) })
    }
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
}
