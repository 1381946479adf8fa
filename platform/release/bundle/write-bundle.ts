import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { UserError } from '@millrace/sdk'
import type { Asset } from './assets.ts'
import type { Bundle } from './bundle-flow.ts'
import type { BundleManifest } from './bundle-manifest.ts'

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'there is no permission to write there',
  EPERM: 'there is no permission to write there',
  EROFS: 'the disk is read-only',
  EEXIST: 'its folder is a file',
  ENOTDIR: 'its folder is a file',
  EISDIR: 'it is a folder',
  ENOSPC: 'the disk is full',
}

/**
 * Writes a bundle below `dir`: `FLOW/DIGEST.mjs`; the files it reads in `FLOW/DIGEST/`, by their path in the project;
 * `FLOW/DIGEST.json`, its manifest; `FLOW/DIGEST.mjs.map`. Each file is written as a whole or not at all, and the code
 * last: where it is, the bundle is whole. What is there already is left alone.
 * @returns path of the code
 * @throws UserError when it cannot be written
 */
export async function writeBundle(dir: string, bundle: Bundle, manifest: BundleManifest): Promise<string> {
  const base = join(dir, bundle.flow, bundle.digest)
  await Promise.all(bundle.assets.map(async (asset) => writeWhole(join(base, asset.path), await bytesOf(asset))))
  await writeWhole(`${base}.json`, `${JSON.stringify(manifest, null, 2)}\n`)
  await writeWhole(`${base}.mjs.map`, JSON.stringify(bundle.map))
  await writeWhole(`${base}.mjs`, bundle.code)
  return `${base}.mjs`
}

/** @throws UserError when the file is no longer what went into the digest */
async function bytesOf({ file, path, sha256 }: Asset): Promise<Uint8Array> {
  const bytes = await readFile(file)
  if (createHash('sha256').update(bytes).digest('hex') === sha256) return bytes
  throw new UserError(`${path} was changed while its flow was bundled; do it again`)
}

async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`)
  try {
    if (await isThere(path, content)) return
    await mkdir(dirname(path), { recursive: true })
    await writeFile(draft, content)
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {})
    const { code = '', message } = error as NodeJS.ErrnoException
    throw new UserError(`cannot write ${path}: ${REASONS[code] ?? message}`)
  }
}

async function isThere(path: string, content: string | Uint8Array): Promise<boolean> {
  const found = await readFile(path).catch(() => undefined)
  return found?.equals(Buffer.from(content)) ?? false
}
