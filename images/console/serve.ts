import { createServer, type Server } from 'node:http'
import { writeLine } from '../runtime/log.ts'

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Millrace</title>
<h1>Millrace</h1>
<p>The console is up. There is nothing to see here yet: <code>millrace runs</code> shows what runs.</p>
</html>
`

/** Serves the page, and `/health` for who looks after it: Google keeps addresses such as `/healthz` to itself. */
export async function serve(port: number): Promise<Server> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://console')
    if (pathname === '/health') response.setHeader('content-type', 'application/json').end('{"status":"ok"}\n')
    else if (pathname === '/') response.setHeader('content-type', 'text/html; charset=utf-8').end(PAGE)
    else response.writeHead(404, { 'content-type': 'text/plain' }).end('There is no such page.\n')
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, resolve))
  const address = server.address()
  writeLine('INFO', 'the console is up', { port: typeof address === 'object' && address ? address.port : port })
  return server
}
