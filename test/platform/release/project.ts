import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const MODULES = resolve(import.meta.dirname, '../../../node_modules')

/** A project of its own in a temporary folder, made of the given files. */
export function makeProject(files: Readonly<Record<string, string>>): { root: string; remove: () => void } {
  const root = mkdtempSync(join(tmpdir(), 'millrace-release-'))
  symlinkSync(MODULES, join(root, 'node_modules'))
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }\n')
  mkdirSync(join(root, 'flows'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) }
}

/** The module of a flow that can be released; `more` are further options. */
export function flowModule(name: string, more = ''): string {
  return `import { flow } from '@millrace/sdk'
export default flow(
  { name: '${name}', description: 'Does it.', owner: 'us', contact: 'us@example.org', sources: [], sinks: [], ${more} },
  () => 1,
)
`
}
