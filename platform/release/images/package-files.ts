import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Node does not run TypeScript in packages; the others are for people and for debuggers. */
const NOT_FOR_RUNNING = /\.([cm]?ts|tsx|map|flow|markdown|md|tsbuildinfo)$/i
const TO_BE_KEPT = /^(licen[cs]e|notice|copying|copyright)/i
const FOR_ITS_AUTHORS = new Set([
  '.github',
  '__tests__',
  'benchmark',
  'benchmarks',
  'doc',
  'docs',
  'example',
  'examples',
  'test',
  'tests',
])

/** Which files of packages go into images, as a text: an image is another one when this is. */
export const PACKAGE_RULE = [NOT_FOR_RUNNING, TO_BE_KEPT, ...FOR_ITS_AUTHORS].join('\n')

/**
 * What of a package goes into an image, below its folder: one entry that stands for all of it. What is in it is said by
 * package-lock.json, so an image can be planned quickly, and where its packages are not installed; the files are looked
 * for when it is written ({@link filesToRun}).
 */
export function packageFiles(_folder: string): string[] {
  return ['.']
}

/** The files of a package that are needed to run it, and its licence: paths below `folder`, with "/". */
export function filesToRun(folder: string): string[] {
  return filesBelow(folder, '').sort()
}

function filesBelow(folder: string, inside: string): string[] {
  return readdirSync(join(folder, inside), { withFileTypes: true }).flatMap((entry) => {
    const path = inside === '' ? entry.name : `${inside}/${entry.name}`
    if (entry.isDirectory()) {
      // Packages in it have places of their own in package-lock.json.
      const isLeftOut = entry.name === 'node_modules' || (inside === '' && FOR_ITS_AUTHORS.has(entry.name))
      return isLeftOut ? [] : filesBelow(folder, path)
    }
    return entry.isFile() && (TO_BE_KEPT.test(entry.name) || !NOT_FOR_RUNNING.test(entry.name)) ? [path] : []
  })
}
