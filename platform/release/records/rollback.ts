import { type Store, UserError } from '@millrace/sdk'
import { compareDeployments, type DeploymentChange } from './compare-releases.ts'
import { type Act, makeMove, moveBefore } from './make-move.ts'
import type { Move } from './move.ts'
import { findReleaseId, readRelease } from './read-releases.ts'
import { checkBundles, disabledVersions, lostAccounts } from './rollback-checks.ts'
import type { SecretVersions } from './secret-versions.ts'
import { moves, readMove, readState, type State } from './state.ts'

/** What a rollback does, or would. */
export interface Rollback {
  /** Ids of releases. */
  readonly from: string
  readonly to: string
  readonly changes: readonly DeploymentChange[]
  /** Versions of secrets that are disabled, and that it enables again. */
  readonly enables: readonly string[]
  /** Flows whose service account is gone: they cannot run until `up` makes it again. */
  readonly withoutAccount: readonly string[]
  /** Undefined in a dry run. */
  readonly move: Move | undefined
}

/** A release to go back to, and the move that a further rollback would go back to. */
interface Target {
  readonly id: string
  readonly before: number | undefined
}

/**
 * What a rollback would do.
 * @param asked the release to go back to. @default the one before the current one
 * @throws UserError when there is no such release, or it cannot be what it was
 */
export async function planRollback(
  store: Store,
  asked: string | undefined,
  secrets: SecretVersions,
): Promise<Rollback> {
  const { target: _, ...plan } = await planOn(store, await readState(store), asked, secrets)
  return { ...plan, move: undefined }
}

/**
 * Makes a release current again: its bundles, schedules, parameters, resources and versions of secrets. What branches
 * have deployed, and what a person paused, stays. A rollback after a rollback goes back further, not forth.
 * @throws UserError when there is no such release, or it cannot be what it was
 */
export async function rollback(
  store: Store,
  asked: string | undefined,
  act: Act,
  secrets: SecretVersions,
): Promise<Rollback> {
  let plan: Awaited<ReturnType<typeof planOn>> | undefined
  const move = await makeMove(store, act, async (state) => {
    if (plan && asked === undefined && state.release !== plan.from) throw overtaken(plan.from, state)
    plan = await planOn(store, state, asked, secrets)
    await Promise.all(plan.enables.map((version) => secrets.enable(version)))
    const { id, before } = plan.target
    return { kind: 'rollback', names: [], release: id, before, branches: state.branches }
  })
  if (!plan || !move) throw new Error('a rollback that has a plan makes a move')
  const { target: _, ...done } = plan
  return { ...done, move }
}

async function planOn(store: Store, state: State, asked: string | undefined, secrets: SecretVersions) {
  const target = await findTarget(store, state, asked)
  const from = state.release
  if (from === undefined)
    throw new UserError(`nothing is released yet in ${store.url}: there is nothing to go back from`)
  if (target.id === from) throw new UserError(`${from} is the current release already`)
  const [old, record] = await Promise.all([readRelease(store, from), readRelease(store, target.id)])
  await checkBundles(target.id, record)
  return {
    target,
    from,
    to: target.id,
    changes: compareDeployments(old.deployments, record.deployments),
    enables: await disabledVersions(target.id, old, record, secrets),
    withoutAccount: lostAccounts(record, state.up === undefined ? undefined : await readRelease(store, state.up)),
  }
}

async function findTarget(store: Store, state: State, asked: string | undefined): Promise<Target> {
  const { head } = state
  if (asked !== undefined) {
    const id = await findReleaseId(store, asked)
    for await (const each of moves(store, head)) if (each.release === id) return { id, before: each.before }
    // It was never current: its deploy was cut short.
    return { id, before: moveBefore(head, id) }
  }
  // What `up` made is in no move yet: then it came after the newest.
  const number = state.isUpNewer ? moveBefore(head, state.up) : head?.before
  const before = number === undefined ? undefined : await readMove(store, number)
  if (before?.release !== undefined) return { id: before.release, before: before.before }
  throw new UserError(
    `there is no release before ${state.release ?? 'the first'} to go back to`,
    'Say which: millrace rollback ID. They are listed by: millrace releases',
  )
}

function overtaken(from: string, { head, release }: State): UserError {
  return new UserError(
    `${head?.by ?? 'somebody'} came first: ${release ?? 'nothing'} is current by now, not ${from}; nothing was done`,
    'Look at "millrace releases history", and say which release it should be: millrace rollback ID',
  )
}
