import { constants, existsSync, mkdirSync, statSync } from 'node:fs'
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
import { filesToRun } from './package-files.ts'
import type { ImagePlan } from './plan-image.ts'
import { lockedDigest, type TreeFile, treeLines } from './tree.ts'

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
    const files = filesToWrite(plan.files)
    for (const place of foldersOf(files)) mkdirSync(join(app, place), { recursive: true })
    await allOrMistake(files, (file) => writeTreeFile(app, file), WRITTEN_AT_ONCE)
    await checkWritten(app, plan)
    await writeFile(join(draft, 'Dockerfile'), plan.dockerfile)
    await settle(draft)
    await putInPlace(draft, folder)
    return folder
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** With the files of each package in its place. */
export function filesToWrite(files: readonly TreeFile[]): TreeFile[] {
  return files.flatMap((each) => {
    const { path, content, part } = each
    if (!('file' in content) || !statSync(content.file).isDirectory()) return [each]
    return filesToRun(content.file).map((inside) => ({
      path: posix.join(path, inside),
      content: { file: join(content.file, inside) },
      part,
    }))
  })
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

/** @throws UserError when a file of ours is no longer what went into the hash; those of packages do not change */
async function checkWritten(app: string, { name, files, lines, installed }: ImagePlan): Promise<void> {
  const written = files.map((each): TreeFile => {
    const { content, path } = each
    const isOurs = 'text' in content || ('file' in content && lockedDigest(content.file, installed) === undefined)
    return isOurs ? { ...each, content: { file: join(app, path) } } : each
  })
  if ((await treeLines(written, installed)).join() === lines.join()) return
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
