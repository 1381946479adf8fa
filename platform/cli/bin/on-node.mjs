// Runs a command with the Node that npm installed first on its PATH: node on-node.mjs COMMAND [ARGUMENT …]
import { spawn } from 'node:child_process'
import { delimiter, dirname } from 'node:path'
import { NO_NODE, pinnedNode } from './pinned-node.mjs'

const node = pinnedNode()
if (!node) {
  process.stderr.write(`this ${NO_NODE}`)
  process.exit(2)
}
const [command, ...args] = process.argv.slice(2)
const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` }
const child = spawn(command, args, { stdio: 'inherit', env, shell: process.platform === 'win32' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)))
