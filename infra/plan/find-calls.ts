import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Program } from './program.ts'

/** Where the program's files call a provider's function, by its token `gcp:compute/getZones:getZones`: `FILE:LINE`. */
export function findCalls({ root, main }: Pick<Program, 'root' | 'main'>, token: string): string[] {
  const name = token.split(':').at(-1) ?? token
  const call = new RegExp(`\\b${RegExp.escape(name)}(Output)?\\s*[(<]`)
  const start = join(root, main)
  const folder = statSync(start).isDirectory() ? start : dirname(start)
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules'))
    .toSorted()
    .flatMap((path) => {
      const lines = readFileSync(join(folder, path), 'utf8').split('\n')
      return lines.flatMap((line, index) =>
        call.test(line) ? [`${relative(root, join(folder, path)).replaceAll('\\', '/')}:${index + 1}`] : [],
      )
    })
}
