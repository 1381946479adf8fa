import { existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { isRoot, type Owner, ownerOf } from './ownership.ts'

/**
 * As whom Postgres runs; it refuses to run as root.
 * - self: as the user of this process.
 * - user: as another user, which root can become. Usual machines and containers allow it.
 * - namespace: as ourselves, but seen from inside a user namespace as an ordinary user. Needs no privilege, only a
 *   kernel that allows it: the way for a root without the right to become another user, as in some containers.
 */
export type Account =
  | { readonly kind: 'self' }
  | { readonly kind: 'user'; readonly uid: number; readonly gid: number }
  | { readonly kind: 'namespace'; readonly uid: number; readonly gid: number }

/** What starts `program` as this account. */
export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly identity: { readonly uid?: number; readonly gid?: number }
}

/** How to start a program as `account`. */
export function commandAs(account: Account, program: string, args: readonly string[]): Command {
  if (account.kind === 'self') return { file: program, args, identity: {} }
  if (account.kind === 'user') return { file: program, args, identity: { uid: account.uid, gid: account.gid } }
  const map = ['--user', `--map-user=${account.uid}`, `--map-group=${account.gid}`]
  return { file: 'unshare', args: [...map, '--', program, ...args], identity: {} }
}

/**
 * The name by which `account` reaches `folder`, the working folder it is started in. Another user cannot walk to a
 * project below /root (mode 700) or in somebody's home, but a process can always reach the folder it is already in:
 * so the data can stay in the project, and no permission of a folder above it has to be loosened.
 */
export function placeFor(account: Account, folder: string): string {
  return account.kind === 'user' && process.platform === 'linux' ? '/proc/self/cwd' : folder
}

/** As {@link placeFor}, for a file that the account gets as its open descriptor `descriptor`. */
export function fileFor(account: Account, path: string, descriptor: number): string {
  return account.kind === 'user' && process.platform === 'linux' ? `/proc/self/fd/${descriptor}` : path
}

/**
 * The accounts to try, best first, for data in `folder`, which need not exist yet. Root works for the owner of the
 * project where that is somebody else, so that they can go on without root; otherwise for `nobody`.
 */
export function accountsFor(folder: string): Account[] {
  if (!isRoot()) return [{ kind: 'self' }]
  const nobody = findNobody()
  const namespace: Account = { kind: 'namespace', ...nobody }
  const { uid, gid } = ownerOf(folder)
  if (uid !== 0) return [{ kind: 'user', uid, gid }, namespace]
  // Data of root's own were made in a namespace, by the only way that worked then.
  return existsSync(folder) ? [namespace, { kind: 'user', ...nobody }] : [{ kind: 'user', ...nobody }, namespace]
}

/**
 * The account that can run initdb: it looks up its user's name, which an id that a container was merely started
 * with (`--user 12345`) does not have.
 */
export function namedAccountFor(account: Account): Account {
  if (process.platform === 'win32' || account.kind === 'namespace') return account
  if (account.kind === 'user') return hasName(account.uid) ? account : { kind: 'user', ...findNobody() }
  try {
    userInfo()
    return account
  } catch {
    return { kind: 'namespace', ...findNobody() }
  }
}

/** Whose files `account` makes, as seen from here; undefined where they are simply ours. */
export function fileOwnerOf(account: Account): Owner | undefined {
  if (account.kind === 'user') return { uid: account.uid, gid: account.gid }
  return isRoot() ? { uid: 0, gid: 0 } : undefined
}

function findNobody(): Owner {
  const all = users()
  const [, , uid, gid] = all.find(([name]) => name === 'nobody') ?? all.find((fields) => Number(fields[2]) > 0) ?? []
  return { uid: Number(uid ?? 65534), gid: Number(gid ?? 65534) }
}

function hasName(uid: number): boolean {
  return users().some((fields) => fields[2] === String(uid))
}

function users(): string[][] {
  if (!existsSync('/etc/passwd')) return []
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
}
