import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** Folders remembered at most: bounds the memory of a long write. */
const REMEMBERED = 100_000

/** Makes folders, and remembers which, so that writing many files asks the disk once per folder. */
export class Folders {
  private readonly made = new Set<string>()

  /** Makes a folder and those above it. */
  make(folder: string): void {
    if (this.made.has(folder)) return
    makeFolder(folder)
    if (this.made.size >= REMEMBERED) this.made.clear()
    this.made.add(folder)
  }

  /** @returns whether the folder was one that this had made: somebody else has removed it since */
  forget(folder: string): boolean {
    return this.made.delete(folder)
  }
}

/**
 * Makes a folder and those above it, where they are missing. Others may make the same ones at the same time.
 * Node's own `recursive` never comes back where the system answers ENOENT to making a folder in one
 * that exists, as Linux does below /proc (seen with Node 24.21).
 */
export function makeFolder(folder: string, isSecondTry = false): void {
  try {
    mkdirSync(folder)
  } catch (error) {
    if (isFolder(folder)) return
    const parent = dirname(folder)
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === folder || isSecondTry) throw error
    // It was missing a moment ago; somebody else may have made it since.
    if (!isFolder(parent)) makeFolder(parent)
    makeFolder(folder, true)
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
