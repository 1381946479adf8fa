import { existsSync, readFileSync } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { UserError } from '@millrace/sdk'
import { accountsFor, fileOwnerOf } from './embedded/account.ts'
import { serves, urlOf } from './embedded/identity.ts'
import { initialize, removeDrafts } from './embedded/initialize.ts'
import { ELSEWHERE, findInstallation } from './embedded/installation.ts'
import { launch, wasStartedElsewhere } from './embedded/launch.ts'
import { give, giveToOwner, makeFolder, ownerOf } from './embedded/ownership.ts'
import { type Postmaster, readPostmaster, until } from './embedded/postmaster.ts'
import { isShared, type Lifetime, takeShare, takeTurn } from './embedded/share.ts'
import { isServing } from './embedded/shutdown.ts'

/** What {@link startEmbeddedPostgres} needs to know. */
export interface EmbeddedPostgresOptions {
  /** The folder for everything of this server: data, password, log. Made if need be; one server per folder. */
  readonly dir: string
  /** @default the port it had before, or a free one. A server that runs already keeps its own. */
  readonly port?: number
  /** Told what takes long, in a few words. */
  readonly onProgress?: (text: string) => void
  /**
   * - attached: the server ends with the last process that uses it.
   * - standing: it goes on without any, until `stop()` is called on a handle that was also opened as standing.
   * @default 'attached'
   */
  readonly lifetime?: Lifetime
}

/** This process's share in a running server. */
export interface EmbeddedPostgres {
  /** `postgres://…` with the password in it: not for messages. */
  readonly url: string
  readonly dataDir: string
  /** Process id of the server. */
  readonly pid: number
  /**
   * Gives up the share, and ends the server if that was the last one. A process that exits does so too; the share
   * of one that is killed is gone with it, and the next that stops ends the server.
   */
  stop(): Promise<void>
}

/**
 * Starts the laptop's own Postgres in `dir`, or attaches to the one that already runs there. Any number of processes
 * may do so at once. Needs no privilege; started by root, the server runs as another user.
 * @throws UserError when it cannot run here, the folder cannot be written, or the data are of another version.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const folder = resolve(options.dir)
  try {
    makeFolder(folder)
    await access(folder, constants.W_OK | constants.X_OK)
    const turn = await takeTurn(folder)
    try {
      const server = (await findReady(folder)) ?? (await begin(folder, options))
      const share = await takeShare(folder, server, options.lifetime ?? 'attached')
      giveToOwner(folder)
      return {
        url: urlOf(server.port, passwordOf(folder) ?? ''),
        dataDir: join(folder, 'data'),
        pid: server.pid,
        stop: share.leave,
      }
    } finally {
      turn.release()
    }
  } catch (error) {
    throw explained(error, folder)
  }
}

/** The URL of the server that runs in `dir`, if there is one. Starts nothing and leaves no trace. */
export async function findEmbeddedPostgres(dir: string): Promise<string | undefined> {
  const folder = resolve(dir)
  const data = join(folder, 'data')
  try {
    const found = readPostmaster(data)
    const password = passwordOf(folder)
    if (found?.state !== 'ready' || password === undefined) return undefined
    return (await serves(found, data, password)) ? urlOf(found.port, password) : undefined
  } catch (error) {
    throw explained(error, folder)
  }
}

/** The server that runs, once it takes connections; undefined if there is none. */
async function findReady(folder: string): Promise<Postmaster | undefined> {
  const data = join(folder, 'data')
  for (;;) {
    const found = readPostmaster(data)
    const password = passwordOf(folder)
    if (found === undefined || password === undefined || !(await serves(found, data, password))) return undefined
    if (found.state === 'ready') return found
    // Its starter was killed, or has just asked it to end.
    await until(() => readPostmaster(data)?.state !== found.state || !isServing(found, data))
  }
}

async function begin(folder: string, { port, onProgress }: EmbeddedPostgresOptions): Promise<Postmaster> {
  const data = join(folder, 'data')
  if (wasStartedElsewhere(folder) && isShared(folder)) {
    throw new UserError(
      `the embedded Postgres in ${folder} is in use from another container, or from outside of this one`,
      'Two servers on the same data would destroy them. End the processes there, or use another folder here.',
    )
  }
  await removeDrafts(folder)
  const installation = await findInstallation(accountsFor(data), folder)
  if (!existsSync(data)) {
    onProgress?.('Setting up Postgres (once, about a second)')
    await initialize(installation, folder)
  }
  checkData(folder, installation.version)
  const owner = fileOwnerOf(installation.account)
  if (owner !== undefined && ownerOf(data).uid !== owner.uid) give(data, owner)
  return launch(installation, folder, { port, onProgress })
}

function checkData(folder: string, version: string): void {
  const data = join(folder, 'data')
  const made = readFileSync(join(data, 'PG_VERSION'), 'utf8').trim()
  if (made !== version.split('.')[0]) {
    throw new UserError(
      `the data in ${data} were made by PostgreSQL ${made}, and this Millrace brings PostgreSQL ${version}`,
      `Move ${folder} away to start afresh (its runs stay behind), or use the Millrace that made it.`,
    )
  }
  if (passwordOf(folder) === undefined) {
    throw new UserError(
      `${join(folder, 'password')} is missing`,
      `Put it back, or move ${folder} away to start afresh.`,
    )
  }
}

function passwordOf(folder: string): string | undefined {
  const path = join(folder, 'password')
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined
}

/** Troubles of the folder are the user's to solve; everything else stays the defect it is. */
function explained(error: unknown, folder: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  const ofFiles = ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'EEXIST']
  // SQLite, of which the locks are made: read-only, I/O error, full, cannot open.
  const ofLocks = [8, 10, 13, 14]
  const isOfLock = 'errcode' in error && ofLocks.includes(Number(error.errcode) & 0xff)
  if (!isOfLock && !ofFiles.includes(String(error.code))) return error
  const { uid } = ownerOf(folder)
  return new UserError(
    `the folder ${folder} of the embedded Postgres (owner: user ${uid}) cannot be used: ${error.message}`,
    `Use a folder of your own on a local disk, or ${ELSEWHERE}`,
  )
}
