import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { log, store, UserError } from '@millrace/sdk'
import { outputPath } from './output-path.ts'
import type { Output } from './output-writer.ts'

/** Where a run's output goes, opened by the driver before anything is computed. */
export interface Destination {
  /** For people: where the output is found. */
  readonly url: string
  /** Where tasks write. */
  readonly output: Output
  /** Makes the output visible, all at once where the store can do that. */
  publish(): Promise<void>
  /** Removes what is not published. */
  discard(): Promise<void>
}

/** Marks a staging folder as one of this run; gone when another run has taken it for left over. */
const MARKER = '.millrace-datacube'

/**
 * Opens the place for `{model_id}/{run_id}` below a bucket and makes sure it can be written to.
 *
 * In a folder, files are written to a staging folder beside the final one and moved there at the end: a run that fails
 * or is killed leaves the old output as it was. Object stores have no such move: there the caller writes results.json last.
 * @param parameter names the parameter in errors
 * @param run tells runs apart; a run that is resumed finds its staging folder again
 * @throws UserError when the place cannot be written to
 */
export async function openDestination(
  parameter: string,
  bucket: string,
  ids: readonly [model: string, run: string],
  run: string,
): Promise<Destination> {
  const path = outputPath(ids)
  const place = openStore(parameter, bucket)
  if (place.folder !== undefined) return openFolder(parameter, bucket, join(place.folder, path), run)
  const output = { url: bucket, prefix: `${path}/` }
  if (!bucket.startsWith('null:')) {
    const probe = `${path}/.datacube-write-test`
    try {
      await place.write(probe, '')
      await place.remove(probe)
    } catch (error) {
      throw cannotWrite(parameter, bucket, error)
    }
  }
  return {
    url: bucket.startsWith('null:') ? bucket : `${place.url}/${path}`,
    output,
    publish: async () => {},
    discard: async () => {},
  }
}

function openStore(parameter: string, bucket: string): ReturnType<typeof store> {
  try {
    return store(bucket)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new UserError(`datacube: parameter ${parameter}: ${error.message}`, error.hint)
  }
}

async function openFolder(parameter: string, bucket: string, final: string, run: string): Promise<Destination> {
  const parent = dirname(final)
  const start = `.${basename(final)}.partial-`
  let staging: string
  try {
    mkdirSync(parent, { recursive: true })
    const left = readdirSync(parent).filter((name) => name.startsWith(start))
    const own = left.find((name) => name.startsWith(`${start}${run}-`) && isMarked(join(parent, name)))
    for (const name of left) {
      if (name === own) continue
      log.warn(`removing what an unfinished run left behind: ${join(parent, name)}`)
      await removeStaging(join(parent, name))
    }
    staging = join(parent, own ?? `${start}${run}-${randomBytes(4).toString('hex')}`)
    mkdirSync(staging, { recursive: true })
    writeFileSync(join(staging, MARKER), '')
  } catch (error) {
    throw cannotWrite(parameter, bucket, error)
  }
  return {
    url: final,
    output: { url: fileUrl(staging), prefix: '' },
    publish: async () => {
      if (!isMarked(staging)) {
        throw new UserError(
          `datacube: ${staging} is gone: another run writes to ${final}`,
          'Run one at a time, or give them different run ids.',
        )
      }
      rmSync(join(staging, MARKER))
      await merge(staging, final)
    },
    discard: () => removeStaging(staging),
  }
}

/** A store URL for a folder. */
export function fileUrl(folder: string): string {
  return `file://${folder.replaceAll('%', '%25')}`
}

function isMarked(folder: string): boolean {
  try {
    readFileSync(join(folder, MARKER))
    return true
  } catch {
    return false
  }
}

/** How long tasks may take to see that the folder they write to is gone (ms), and how often that is waited for. */
const SEEN_AFTER = 100
const MOST_WAITS = 20

/** Moves the folder out of the way first: tasks that still write to it fail at their next batch, and are waited for. */
async function removeStaging(folder: string): Promise<void> {
  const doomed = `${folder}.old`
  try {
    renameSync(folder, doomed)
  } catch {}
  await rm(doomed, { recursive: true, force: true })
  for (let waits = 0; waits < MOST_WAITS; waits++) {
    await setTimeout(SEEN_AFTER)
    if (kindAt(folder) === undefined) return
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Makes sure, in a task, that a folder the driver opened is there; before each batch of files.
 * @throws UserError when it is not: on another machine, or after the run has ended
 */
export function checkOutput({ url }: Output): void {
  const { folder } = store(url)
  if (folder === undefined || isMarked(folder)) return
  throw new UserError(
    `datacube: ${folder} is not there on this machine`,
    'Workers on other machines need an object store (gs:, s3:), or a folder that all of them share.',
  )
}

function kindAt(path: string): 'folder' | 'file' | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  return found && (found.isDirectory() ? 'folder' : 'file')
}

/** Moves `from` over `to`: whole folders where nothing is in the way, else file by file; other files stay. */
async function merge(from: string, to: string): Promise<void> {
  if (kindAt(to) !== 'folder') {
    await rm(to, { force: true })
    await rename(from, to)
    return
  }
  // "results" tells readers that a run is complete: it comes last.
  const entries = readdirSync(from, { withFileTypes: true }).sort((a, b) => rank(a.name) - rank(b.name))
  for (const entry of entries) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await merge(source, target)
    else {
      if (kindAt(target) === 'folder') await rm(target, { recursive: true })
      await rename(source, target)
    }
  }
  await rm(from, { recursive: true })
}

function rank(name: string): number {
  return name === 'results' ? 1 : 0
}

function cannotWrite(parameter: string, bucket: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code
  if (!(error instanceof UserError) && code === undefined) return error
  const reason = REASONS[code ?? ''] ?? (error as Error).message
  return new UserError(`datacube: parameter ${parameter}: cannot write to ${bucket}: ${reason}`)
}

const REASONS: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of its path is a file',
  EEXIST: 'a part of its path is a file',
}
