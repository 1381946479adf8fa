import { mkdir, readlink, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UserError } from '@millrace/sdk'

const PACKAGES = join(import.meta.dirname, '../../node_modules')

/**
 * The folder that takes the place of the project's: bundles are brought there, and find the image's packages from there.
 * It is the same for drivers and workers, below the one folder that can be written to in a container.
 */
export const HOME = join(tmpdir(), 'millrace')

/** @throws UserError when it cannot be written to */
export async function makeHome(): Promise<void> {
  try {
    // A folder with flows is what the command line takes for a project's.
    await mkdir(join(HOME, 'flows'), { recursive: true })
  } catch (error) {
    throw new UserError(
      `cannot write to ${tmpdir()}, where a container keeps its bundle: ${(error as Error).message}`,
      'Give it a /tmp that it can write to: docker run --tmpfs /tmp …',
    )
  }
  const link = join(HOME, 'node_modules')
  if ((await target(link)) === PACKAGES) return
  await rm(link, { force: true })
  try {
    await symlink(PACKAGES, link)
  } catch (error) {
    // Another process of the same container may have been quicker.
    if ((await target(link)) !== PACKAGES) throw error
  }
}

async function target(link: string): Promise<string | undefined> {
  return await readlink(link).catch(() => undefined)
}
