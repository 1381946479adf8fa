import { isAbsolute, relative, resolve, sep } from 'node:path'
import { UserError } from '@millrace/sdk'
import { flowPath } from '@millrace/sdk/project'
import type { OutputChunk } from 'rolldown'
import { compileError } from './compile-error.ts'
import { FilesPlugin } from './files-plugin.ts'
import { ModulesPlugin } from './modules-plugin.ts'
import { type Outside, PackagesPlugin } from './packages-plugin.ts'
import { placeOf } from './place.ts'

/** A flow as one module. */
export interface Compiled {
  readonly code: string
  /** Where the lines of the code come from: a source map, its sources by their path in the project. */
  readonly map: SourceMapJson
  /** Packages that it loads from outside, with their versions. */
  readonly needs: Readonly<Record<string, string>>
  /** Files and folders that its code names. */
  readonly named: readonly string[]
  /** The files it was made of, packages included. */
  readonly modules: readonly string[]
}

export interface SourceMapJson {
  readonly version: 3
  readonly sources: readonly string[]
  readonly names: readonly string[]
  readonly mappings: string
}

/**
 * Compiles a flow and all that it imports into one ES module, the same on every machine: nothing of the folder, the
 * time or the environment is in it. It is not made smaller: names stay as they are, for stacks to be readable.
 * @throws UserError naming file and line of what cannot be compiled
 */
export async function compile(root: string, flow: string): Promise<Compiled> {
  // Not with this file: most of what imports it never compiles.
  const { rolldown } = await import('rolldown')
  const modules = new ModulesPlugin(root)
  const packages = new PackagesPlugin(root)
  const files = new FilesPlugin(root)
  const build = await rolldown({
    cwd: root,
    input: flowPath(flow),
    platform: 'node',
    // A package that is a link into the project is called as a package, wherever the link leads.
    resolve: { symlinks: false },
    // As Node does it: what a flow is does not depend on how its types are checked.
    tsconfig: false,
    transform: { typescript: { onlyRemoveTypeImports: true } },
    plugins: [modules.plugin, packages.plugin, files.plugin],
    logLevel: 'silent',
  })
  try {
    const { output } = await build.generate({
      format: 'esm',
      codeSplitting: false,
      minify: false,
      sourcemap: 'hidden',
      sourcemapExcludeSources: true,
      comments: { jsdoc: false },
    })
    const [chunk] = output
    const written = Object.keys(chunk.modules)
    const { files: named, faults } = files.namedBy(written)
    refuse([...packages.faults, ...modules.faults, ...faults])
    return {
      code: withPlaces(chunk.code, written, root),
      map: mapOf(chunk, root),
      needs: needsOf(chunk, packages.outside),
      named,
      modules: modules.modules,
    }
  } catch (error) {
    throw compileError(error, root) ?? error
  } finally {
    await build.close()
  }
}

function refuse([first, ...others]: readonly string[]): void {
  if (first !== undefined) throw new UserError(first, others.join('\n') || undefined)
}

/** Packages that the code still loads, now that what it does not use is gone. */
function needsOf(chunk: OutputChunk, outside: readonly Outside[]): Record<string, string> {
  const loaded = new Set([...chunk.imports, ...chunk.dynamicImports])
  const used = outside.filter(({ specifier, importer, isCall }) =>
    isCall ? importer in chunk.modules : loaded.has(specifier),
  )
  // In order: modules are found in whichever order they were read.
  const needs = used.map(({ name, version }) => [name, version] as const)
  return Object.fromEntries(needs.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** Each part of the code is headed by the path it came from; that of a package above the project is made to fit. */
function withPlaces(code: string, modules: readonly string[], root: string): string {
  return modules.filter(isAbsolute).reduce((text, module) => {
    const [path, place] = [relative(root, module).split(sep).join('/'), placeOf(root, module)]
    return place === undefined || place === path ? text : text.replaceAll(`\n// ${path}\n`, `\n// ${place}\n`)
  }, code)
}

/** Sources are told as paths from where the code would be written. There is no map where no code is the flow's own. */
function mapOf({ map }: OutputChunk, root: string): SourceMapJson {
  const { names, mappings, sources } = map ?? { names: [], mappings: '', sources: [] }
  return {
    version: 3,
    sources: sources.map((path) => placeOf(root, resolve(root, 'dist', path)) ?? path),
    names,
    mappings,
  }
}
