import { constants, existsSync, mkdirSync } from 'node:fs'
import {
  chmod,
  copyFile,
  lutimes,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join, posix } from 'node:path'
import { UserError } from '@millrace/sdk'
import { allOrMistake } from '../all-or-mistake.ts'
import type { ImagePlan } from './plan-image.ts'
import { readTree, type TreeFile } from './tree.ts'

const WRITTEN_AT_ONCE = 16
/** The time of every file: layers of the same files are then the same, and are pushed and pulled once. */
const TIME = new Date('2020-01-01T00:00:00Z')

/**
 * Writes an image's folder below `out`: `Dockerfile`, and in `app/` what it adds to what it stands on. It is called after
 * the image's hash, and is there as a whole or not at all; what is there is left alone.
 * @returns the folder
 */
export async function writeImage(out: string, plan: ImagePlan): Promise<string> {
  const folder = join(out, `${plan.name}-${plan.hash.slice(0, 16)}`)
  if (existsSync(folder)) return folder
  await mkdir(out, { recursive: true })
  const draft = await mkdtemp(join(out, `.${plan.name}-`))
  try {
    const app = join(draft, 'app')
    for (const place of foldersOf(plan.files)) mkdirSync(join(app, place), { recursive: true })
    await allOrMistake(plan.files, (file) => writeTreeFile(app, file), WRITTEN_AT_ONCE)
    await checkWritten(app, plan)
    await writeFile(join(draft, 'Dockerfile'), plan.dockerfile)
    await settle(draft)
    await putInPlace(draft, folder)
    return folder
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

function foldersOf(files: readonly TreeFile[]): Set<string> {
  return new Set(['.', ...files.map(({ path }) => posix.dirname(path))])
}

async function writeTreeFile(app: string, { path, content }: TreeFile): Promise<void> {
  const target = join(app, path)
  if ('link' in content) await symlink(content.link, target)
  else if ('text' in content) await writeFile(target, content.text)
  else await copyFile(content.file, target, constants.COPYFILE_FICLONE)
}

/** @throws UserError when a file is no longer what went into the hash */
async function checkWritten(app: string, { name, files, lines }: ImagePlan): Promise<void> {
  const written = files.map(
    (each): TreeFile => ('link' in each.content ? each : { ...each, content: { file: join(app, each.path) } }),
  )
  if ((await readTree(written)).lines.join() === lines.join()) return
  throw new UserError(`a file of the image ${name} was changed while it was assembled; do it again`)
}

/** Another process may have been quicker with the same. */
async function putInPlace(draft: string, folder: string): Promise<void> {
  try {
    await rename(draft, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  }
}

/** Gives all that is in a folder, and itself, the same modes and times wherever it was made. */
async function settle(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await settle(path)
    else if (entry.isSymbolicLink()) await lutimes(path, TIME, TIME)
    else {
      await chmod(path, path.endsWith('/bin/node') ? 0o755 : 0o644)
      await utimes(path, TIME, TIME)
    }
  }
  await chmod(folder, 0o755)
  await utimes(folder, TIME, TIME)
}
