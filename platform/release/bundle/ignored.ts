import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import ignore, { type Ignore } from 'ignore'

/** What is for people, tests and the command line, and not for the flow when it runs. `.flowignore` can take it back. */
const BY_DEFAULT = ['.*', 'README.md', 'fixtures/', 'test/', 'tests/', '*.test.*', 'node_modules/']

interface Layer {
  readonly folder: string
  readonly rules: Ignore
}

/** Which files below a folder are not for a bundle: what git ignores, what is so by default, and `.flowignore`. */
export class Ignored {
  private readonly layers: readonly Layer[]

  private constructor(layers: readonly Layer[]) {
    this.layers = layers
  }

  static below(root: string, folder: string): Ignored {
    const git = foldersBetween(root, folder).map((each) => layer(each, '.gitignore'))
    return new Ignored([...git, layer(folder, '.flowignore', BY_DEFAULT)])
  }

  /** @param path of a file; of a folder with "/" at its end */
  has(path: string): boolean {
    let ignored = false
    for (const { folder, rules } of this.layers) {
      const found = rules.test(relative(folder, path).split(sep).join('/') + (path.endsWith('/') ? '/' : ''))
      // The last that says anything counts.
      if (found.ignored || found.unignored) ignored = found.ignored
    }
    return ignored
  }
}

/** The root and all on the way to a folder in it; only the folder itself when it is elsewhere. */
function foldersBetween(root: string, folder: string): string[] {
  const path = relative(root, folder)
  if (path === '') return [root]
  return path.startsWith('..') ? [folder] : [...foldersBetween(root, dirname(folder)), folder]
}

function layer(folder: string, name: string, patterns: readonly string[] = []): Layer {
  const rules = ignore({ ignorecase: false }).add([...patterns])
  const file = join(folder, name)
  return { folder, rules: existsSync(file) ? rules.add(readFileSync(file, 'utf8')) : rules }
}
