import { isAbsolute, relative, sep } from 'node:path'

const PACKAGES = '/node_modules/'

/**
 * What a file is called in a bundle: its path in the project, with "/", the same on every machine. A package that lies
 * above the project's folder is called as if it lay in it.
 * @returns undefined for a file that is neither in the project nor of a package
 */
export function placeOf(root: string, file: string): string | undefined {
  const path = relative(root, file)
  if (!isAbsolute(path) && path !== '..' && !path.startsWith(`..${sep}`)) return path.split(sep).join('/')
  const whole = file.split(sep).join('/')
  const at = whole.indexOf(PACKAGES)
  return at < 0 ? undefined : whole.slice(at + 1)
}
