import {
  compareDeployments,
  compareFields,
  effectiveDeployments,
  findReleaseId,
  listReleases,
  localRecords,
  type Move,
  moves,
  type Release,
  readRelease,
  readState,
  recordUp,
} from '@millrace/release'
import { type Store, store, UserError } from '@millrace/sdk'
import { formatChanges, shortDigest } from '../output/deployment-changes.ts'
import { ago, table } from '../output/table.ts'
import { count, root } from '../project.ts'

export interface RecordOptions {
  /** URL of the record store. */
  readonly store?: string
  readonly json?: boolean
}

interface PageOptions extends RecordOptions {
  readonly limit: string
  readonly after?: string
}

/** The record store that was asked for; that of the local platform where none was. */
export function openRecords({ store: url }: RecordOptions): Store {
  return store(url ?? localRecords(root))
}

/** `millrace releases` */
export async function showReleases(options: PageOptions): Promise<void> {
  const records = openRecords(options)
  const limit = count(options.limit, '--limit')
  const after = options.after === undefined ? undefined : await findReleaseId(records, options.after)
  const [{ release }, { releases, next }] = await Promise.all([
    readState(records),
    listReleases(records, { limit, ...(after !== undefined && { after }) }),
  ])
  if (options.json) {
    const page = releases.map(({ id, record }) => ({ id, isCurrent: id === release, ...record }))
    print(JSON.stringify({ releases: page, ...(next !== undefined && { next }) }, null, 2))
  } else if (releases.length === 0) print(`No releases in ${records.url}.`)
  else {
    const rows = releases.map(({ id, record }) => [
      id,
      id === release ? 'current' : '',
      record.madeBy,
      commitOf(record),
      Object.keys(record.deployments).length,
    ])
    const more = next === undefined ? '' : `\nMore: --after ${next}`
    print(`${table([['RELEASE', '', 'MADE BY', 'COMMIT', 'FLOWS'], ...rows])}${more}`)
  }
}

/** `millrace releases show [ID]` */
export async function showRelease(asked: string, options: RecordOptions): Promise<void> {
  const records = openRecords(options)
  const { state, deployments } = await effectiveDeployments(records)
  const id = await releaseId(records, asked, state.release)
  const isCurrent = id === state.release
  const record = await readRelease(records, id)
  if (options.json) {
    print(JSON.stringify({ id, isCurrent, ...record, ...(isCurrent && { branches: state.branches }) }, null, 2))
    return
  }
  const facts: [string, string][] = [
    ['release', isCurrent ? `${id} (current)` : id],
    ['stack', record.stack],
    ['made by', record.madeBy],
    ['commit', record.commit ? `${commitOf(record)}, ${record.commit.time}` : ''],
    ['bundles', record.bundles],
  ]
  // Beside the current one stands what branches have deployed.
  const shown = isCurrent
    ? deployments
    : Object.values(record.deployments).map((each) => ({ ...each, name: each.flow }))
  const rows = shown.map((each) => [each.name, shortDigest(each.bundle), shortDigest(each.image ?? ''), when(each)])
  print(
    [
      ...facts.filter(([, value]) => value !== '').map(([key, value]) => `${key.padEnd(9)} ${value}`),
      '',
      table([['DEPLOYMENT', 'BUNDLE', 'IMAGE', 'SCHEDULE'], ...rows]),
    ].join('\n'),
  )
}

/** `millrace releases diff A B` */
export async function diffReleases(a: string, b: string, options: RecordOptions): Promise<void> {
  const records = openRecords(options)
  const { release } = await readState(records)
  const [from, to] = [await releaseId(records, a, release), await releaseId(records, b, release)]
  const [old, now] = [await readRelease(records, from), await readRelease(records, to)]
  const deployments = compareDeployments(old.deployments, now.deployments)
  const rest = compareFields({ ...old, deployments: {} }, { ...now, deployments: {} })
  if (options.json) {
    print(JSON.stringify({ from, to, deployments, rest }, null, 2))
    return
  }
  const all = [
    ...deployments,
    ...(rest.length > 0 ? [{ name: '(release)', change: 'changed' as const, fields: rest }] : []),
  ]
  print(all.length > 0 ? formatChanges(all) : `${from} and ${to} are the same.`)
}

/** `millrace releases history` */
export async function showHistory(options: PageOptions): Promise<void> {
  const records = openRecords(options)
  const limit = count(options.limit, '--limit')
  const after = options.after === undefined ? Number.POSITIVE_INFINITY : count(options.after, '--after')
  const { head, isUpNewer, up } = await readState(records)
  const page: Move[] = []
  let next: number | undefined
  for await (const move of moves(records, head)) {
    if (move.number >= after) continue
    if (page.length === limit) {
      next = page.at(-1)?.number
      break
    }
    page.push(move)
  }
  if (options.json) {
    const shown = page.map(({ branches: _b, format: _f, token: _t, ...move }) => move)
    print(JSON.stringify({ moves: shown, ...(next !== undefined && { next }) }, null, 2))
    return
  }
  if (isUpNewer) print(`"pulumi up" made ${up} since; "millrace releases register" puts it into the history.`)
  if (page.length === 0) return print(`Nothing was deployed yet in ${records.url}.`)
  const rows = page.map((each) => [
    each.number,
    ago(Date.parse(each.at)),
    each.kind,
    each.by,
    what(each),
    each.reason ?? '',
  ])
  const more = next === undefined ? '' : `\nMore: --after ${next}`
  print(`${table([['MOVE', 'WHEN', 'KIND', 'BY', 'WHAT', 'WHY'], ...rows])}${more}`)
}

/** `millrace releases register` */
export async function registerRelease(options: RecordOptions): Promise<void> {
  const move = await recordUp(openRecords(options))
  if (options.json) print(JSON.stringify({ release: move?.release ?? null }, null, 2))
  else print(move ? `${move.release} is in the history.` : 'There is nothing new from "pulumi up".')
}

/** @throws UserError when there is none */
async function releaseId(records: Store, asked: string, current: string | undefined): Promise<string> {
  if (asked !== 'current') return await findReleaseId(records, asked)
  if (current !== undefined) return current
  throw new UserError(`nothing is released yet in ${records.url}`, 'Deploy the flows: millrace deploy')
}

function what({ kind, from, release, names }: Move): string {
  if (kind === 'rollback') return `${from} -> ${release}`
  return [...(release !== from && release !== undefined ? [release] : []), ...names].join(' ')
}

function commitOf({ commit }: Release): string {
  return commit ? `${commit.id.slice(0, 7)}${commit.modified ? ' (modified)' : ''}` : ''
}

function when({
  schedule,
  paused,
}: {
  schedule?: Release['deployments'][string]['schedule']
  paused?: boolean
}): string {
  return schedule ? `${schedule.cron} ${schedule.timezone}${paused ? ' (paused)' : ''}` : ''
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
