import { existsSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Plugin } from 'rolldown'
import { moveModule, type NamedFile } from './import-meta.ts'
import { placeOf } from './place.ts'

/** Lets modules find their files from within a bundle, and finds out which files they name. */
export class FilesPlugin {
  private readonly root: string
  /** By module. */
  private readonly named = new Map<string, readonly (NamedFile & { readonly line: number })[]>()

  constructor(root: string) {
    this.root = root
  }

  get plugin(): Plugin {
    const { root, named } = this
    return {
      name: 'millrace-files',
      transform: {
        filter: { code: /import\.meta|import\s*\(/, id: { exclude: /^\0/ } },
        handler(code, id, { moduleType }) {
          const place = placeOf(root, id)
          if (place === undefined) return null
          const lang = moduleType === 'ts' || moduleType === 'tsx' || moduleType === 'jsx' ? moduleType : 'js'
          const moved = moveModule(code, this.parse(code, { lang }), place)
          named.set(
            id,
            moved.named.map((file) => ({ ...file, line: code.slice(0, file.at).split('\n').length })),
          )
          return { code: moved.code, map: null }
        },
      },
    }
  }

  /**
   * The files and folders that modules name.
   * @param modules those whose code is in the bundle
   */
  namedBy(modules: readonly string[]): { readonly files: string[]; readonly faults: string[] } {
    const [files, faults]: [string[], string[]] = [[], []]
    for (const module of modules) {
      for (const { specifier, line, use } of this.named.get(module) ?? []) {
        const file = fileOf(specifier, module)
        const fault = this.faultOf(specifier, use, file)
        if (fault !== undefined) faults.push(`${placeOf(this.root, module)}:${line}: ${fault}${adviceFor(module)}`)
        else if (file !== undefined) files.push(file)
      }
    }
    return { files, faults }
  }

  private faultOf(specifier: string, use: NamedFile['use'], file: string | undefined): string | undefined {
    if (use === 'thread') return `a bundle is one file, and has no "${specifier}" to run as a thread; make it a task`
    if (use === 'import') return `a bundle is one file, and has no others to import; ${specifier} needs a fixed path`
    if (file === undefined) return `"${specifier}" is not the path of a file`
    return existsSync(file) ? undefined : `there is no file "${specifier}" (${placeOf(this.root, file) ?? file})`
  }
}

/** Nobody mends a package. */
function adviceFor(module: string): string {
  return module.includes('node_modules') ? '; or keep the package out of bundles (release/bundle/stays-outside.ts)' : ''
}

/** What `new URL(specifier, import.meta.url)` leads to in a module. */
function fileOf(specifier: string, module: string): string | undefined {
  try {
    return fileURLToPath(new URL(specifier, pathToFileURL(module)))
  } catch {
    return undefined
  }
}
