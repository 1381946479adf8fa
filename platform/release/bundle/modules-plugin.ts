import { isAbsolute } from 'node:path'
import type { Plugin } from 'rolldown'
import { placeOf } from './place.ts'

/** Knows the modules that a bundle is made of, and finds those that it must not be made of. */
export class ModulesPlugin {
  /** Paths on this machine. */
  modules: readonly string[] = []
  readonly faults: string[] = []
  private readonly root: string

  constructor(root: string) {
    this.root = root
  }

  get plugin(): Plugin {
    const self = this
    return {
      name: 'millrace-modules',
      buildEnd() {
        // The bundler has some of its own, without a path.
        self.modules = [...this.getModuleIds()].filter((id) => isAbsolute(id))
        for (const id of self.modules) {
          if (placeOf(self.root, id) !== undefined) continue
          const importer = placeOf(self.root, this.getModuleInfo(id)?.importers[0] ?? '')
          self.faults.push(`${importer}: imports ${id}, which is outside of the project; move it in`)
        }
      },
    }
  }
}
