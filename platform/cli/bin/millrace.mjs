#!/usr/bin/env node
// Plain JavaScript, for whatever Node is on the PATH: Millrace itself runs on the Node that npm installed beside it.
import { spawn } from 'node:child_process'
import module from 'node:module'
import { fileURLToPath } from 'node:url'
import { NO_NODE, NODE_MAJOR, pinnedNode } from './pinned-node.mjs'

if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) {
  module.enableCompileCache()
  await import('../main.ts')
} else {
  const node = pinnedNode()
  if (!node) {
    process.stderr.write(`millrace: ${NO_NODE}`)
    process.exit(2)
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  // Ctrl-C reaches the child by itself; a signal sent to this process alone is passed on.
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    if (signal) process.kill(process.pid, signal)
    else process.exit(code ?? 1)
  })
}
