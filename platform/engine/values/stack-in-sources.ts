import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { fileURLToPath } from 'node:url'

/** A place in a bundle, as it stands in a stack: of a URL, or of a path. */
const PLACE = /((?:file:\/)?\/[^\s()]*\/[0-9a-f]{64}\.mjs):(\d+):(\d+)/g

/** By bundle; undefined for one that came without its map. */
const maps = new Map<string, SourceMap | undefined>()

/** The stack of an error with the places in bundles replaced by where their code comes from: `flows/hello/flow.ts:7:3`. */
export function stackInSources(stack: string): string {
  return stack.replace(PLACE, (place, bundle: string, line: string, column: string) => {
    const found = mapOf(bundle)?.findOrigin(Number(line), Number(column))
    return found && 'fileName' in found ? `${found.fileName}:${found.lineNumber}:${found.columnNumber}` : place
  })
}

function mapOf(bundle: string): SourceMap | undefined {
  if (!maps.has(bundle)) maps.set(bundle, readMap(bundle))
  return maps.get(bundle)
}

function readMap(bundle: string): SourceMap | undefined {
  try {
    const file = bundle.startsWith('file:') ? fileURLToPath(bundle) : bundle
    return new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')))
  } catch {
    // A stack is worth having without it, too.
    return undefined
  }
}
