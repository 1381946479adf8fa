import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, join, relative, resolve, sep } from 'node:path'
import { UserError } from '@millrace/sdk'
import type { FlowSource } from './flow-source.ts'

/** The first line of a bundle (release/bundle/header.ts). */
interface BundleHeader {
  readonly flow: string
  readonly needs: Readonly<Record<string, string>>
  readonly assets: Readonly<Record<string, string>>
}

/** Whether a module is a bundle: it is named by its SHA-256. */
export function isBundle(path: string): boolean {
  return /(^|[\\/])[0-9a-f]{64}\.mjs$/.test(path)
}

/**
 * Describes a bundle: a flow compiled to one file, `DIGEST.mjs`, with the files it reads in the folder `DIGEST` beside
 * it. Nothing of it is loaded before it is known to be what its name says.
 * @param root folder that the path of the source is relative to
 * @throws UserError when the file, or one that it reads, is not there or is another than it was made with; when a
 * package that it needs is not installed in that version where it is
 */
export function bundleSource(root: string, path: string): FlowSource {
  const file = resolve(path)
  if (!existsSync(file)) throw new UserError(`there is no bundle ${file}; make it with "millrace bundle"`)
  if (!isBundle(file)) throw new UserError(`${file} is not a bundle: its name would be its SHA-256 and ".mjs"`)
  const name = basename(file, '.mjs')
  const code = readFileSync(file)
  const digest = sha256(code)
  if (digest !== name) {
    throw new UserError(`bundle ${file} is not what its name says: its SHA-256 is ${digest}; make it, or get it, again`)
  }
  const header = readHeader(file, code)
  checkAssets(file, header)
  checkPackages(file, header)
  return { flow: header.flow, path: relative(resolve(root), file).split(sep).join('/'), digest }
}

function readHeader(file: string, code: Buffer): BundleHeader {
  const end = code.indexOf('\n')
  const [, json] = /^\/\/ millrace bundle 1 (\{.*\})$/.exec(code.toString('utf8', 0, Math.max(0, end))) ?? []
  // Its digest was right: whoever made it wrote this, too.
  if (json !== undefined) return JSON.parse(json) as BundleHeader
  throw new UserError(`${file} is not a bundle that this version of Millrace can read; make it with "millrace bundle"`)
}

function checkAssets(file: string, { assets }: BundleHeader): void {
  for (const [path, digest] of Object.entries(assets)) {
    const asset = join(file.slice(0, -'.mjs'.length), path)
    if (!existsSync(asset)) throw new UserError(`bundle ${file}: its file ${path} is not there (${asset})`)
    if (sha256(readFileSync(asset)) !== digest) {
      throw new UserError(`bundle ${file}: its file ${path} is not what it was made with (${asset})`)
    }
  }
}

function checkPackages(file: string, { flow, needs }: BundleHeader): void {
  for (const [name, version] of Object.entries(needs)) {
    const found = installedVersion(name, file)
    if (found === version) continue
    const here = found === undefined ? 'which is not installed where the bundle is' : `and ${found} is installed`
    throw new UserError(`bundle ${file} of flow ${flow} needs ${name} ${version}, ${here}`)
  }
}

/** The version of a package that a module finds. */
function installedVersion(name: string, module: string): string | undefined {
  const folders = createRequire(module).resolve.paths(name) ?? []
  const found = folders.map((folder) => join(folder, name, 'package.json')).find((path) => existsSync(path))
  return found && (JSON.parse(readFileSync(found, 'utf8')) as { version: string }).version
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
