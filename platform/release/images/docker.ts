import { execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { UserError } from '@millrace/sdk'
import type { AssembledImage } from './assemble.ts'

const run = promisify(execFile)
const ANSWERS_WITHIN_MS = 10_000

/** The version of the Docker engine of this machine; undefined where none answers. */
export async function dockerVersion(): Promise<string | undefined> {
  try {
    const { stdout } = await run('docker', ['version', '--format', '{{.Server.Version}}'], {
      timeout: ANSWERS_WITHIN_MS,
    })
    return stdout.trim() || undefined
  } catch {
    return undefined
  }
}

/** What an image is called: after what is in it. */
export function imageTag({ name, hash }: Pick<AssembledImage, 'name' | 'hash'>): string {
  return `millrace/${name}:${hash}`
}

/**
 * Builds an image, and before it that which it stands on. One that is there is not built again: its name says that it is
 * the same.
 * @param platform to build for, where it is not the engine's own: `linux/amd64`
 * @returns whether there was something to do
 * @throws UserError when Docker cannot build it
 */
export async function buildImage(image: AssembledImage, platform?: string): Promise<boolean> {
  const tag = imageTag(image)
  if (await isThere(tag)) return false
  if (typeof image.base !== 'string') await buildImage(image.base, platform)
  const base = typeof image.base === 'string' ? image.base : imageTag(image.base)
  await buildFolder({ folder: image.folder, base, tag, platform })
  return true
}

/** A folder that has all of an image, and what it is to stand on and to be called. */
export interface FolderToBuild {
  readonly folder: string
  readonly base: string
  readonly tag: string
  readonly platform: string | undefined
}

/** @throws UserError when Docker cannot build it */
export async function buildFolder({ folder, base, tag, platform }: FolderToBuild): Promise<void> {
  const forOther = platform === undefined ? [] : ['--platform', platform]
  const named = ['--build-arg', `BASE=${base}`, '--tag', tag, '--file', join(folder, 'Dockerfile')]
  await docker(['build', ...forOther, ...named, folder], `docker build of ${tag}`)
}

/** @throws UserError when Docker cannot push it */
export async function pushImage(tag: string): Promise<void> {
  await docker(['push', '--quiet', tag], `docker push of ${tag}`)
}

async function isThere(tag: string): Promise<boolean> {
  return await run('docker', ['image', 'inspect', tag]).then(
    () => true,
    () => false,
  )
}

/** What Docker says goes to standard error. */
function docker(args: readonly string[], what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('docker', args, {
      stdio: ['ignore', 2, 2],
      // Without notes of when and where it was built: these would be others each time, and with them the digest.
      env: { ...process.env, BUILDX_NO_DEFAULT_ATTESTATIONS: '1' },
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      if (code === 0) resolve()
      else reject(new UserError(`${what} ended with ${signal ?? code}; what it says is above`))
    })
  })
}
