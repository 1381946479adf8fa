import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A place in a file; `file` is a URL as the runner reports it, or a path from the project's root. */
export interface Frame {
  readonly file: string
  readonly line: number
}

/** Those of a stack's frames that are in the project and not in a library, the innermost first. */
export function framesIn(root: string, reported: readonly Frame[]): Frame[] {
  return reported.flatMap(({ file, line }) => {
    const path = relative(root, pathOf(file)).split(sep).join('/')
    return path.startsWith('..') || path.includes('node_modules/') ? [] : [{ file: path, line }]
  })
}

/** The runner takes the URL of an ES module for a path, and makes a URL of it once more. */
function pathOf(uri: string): string {
  const path = fileURLToPath(uri)
  const inner = path.indexOf('file:')
  return inner < 0 ? path : path.slice(inner + 'file:'.length).replace(/^\/+/, '/')
}
