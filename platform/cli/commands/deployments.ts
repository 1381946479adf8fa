import {
  type Database,
  type DeploymentRecord,
  deployments,
  dispatchPaused,
  flowNames,
  type Machine,
} from '@millrace/engine'
import { formatBytes, formatDuration, nearest, UserError } from '@millrace/sdk'
import { shortDigest } from '../output/deployment-changes.ts'
import { factLines, print, printJson } from '../output/print.ts'
import { ago, table } from '../output/table.ts'
import { root } from '../project.ts'
import { withStore } from '../with-store.ts'

interface DeploymentOptions {
  readonly database?: string
  readonly json?: boolean
}

/** `millrace deployments` */
export async function listDeployments(options: DeploymentOptions): Promise<void> {
  const [all, paused] = await withStore(options, ({ database }) =>
    Promise.all([deployments(database), dispatchPaused(database)]),
  )
  if (options.json) return printJson(all)
  for (const { deployment = 'all deployments', by, reason, at } of paused) {
    print(`Nothing of ${deployment} is started: paused by ${by} ${ago(at)}${reason ? `: ${reason}` : ''}`)
  }
  if (all.length === 0) return print('Nothing is deployed; an agent registers what is.')
  const rows = all.map((each) => [
    each.name,
    shortDigest(each.source.digest ?? ''),
    each.launcher ?? 'any',
    each.queue,
    each.labels.join(','),
    scheduleOf(each),
    each.owner,
  ])
  print(table([['DEPLOYMENT', 'BUNDLE', 'LAUNCHER', 'QUEUE', 'LABELS', 'SCHEDULE', 'OWNER'], ...rows]))
}

/** `millrace deployments show NAME` */
export async function showDeployment(name: string, options: DeploymentOptions): Promise<void> {
  const found = await withStore(options, ({ database }) => findDeployed(database, name))
  if (options.json) return printJson(found)
  const { job, source } = found
  const versions = Object.entries(job.secretVersions).map(([secret, version]) => `${secret} (${version})`)
  print(
    factLines([
      ['deployment', found.name],
      ['description', found.description],
      ['owner', `${found.owner}, ${found.contact}`],
      ['flow', found.flow],
      ['branch', found.branch],
      ['release', found.release],
      ['commit', found.commit],
      ['bundle', source.digest ?? source.path],
      ['image', job.image],
      ['env', found.env],
      ['launcher', found.launcher ?? 'any'],
      ['queue', found.queue],
      ['labels', found.labels.join(', ')],
      ['driver', machine(job.driver)],
      [
        'workers',
        job.workers.count > 0 ? `${job.workers.count} x ${machine(job.workers) || 'any machine'}` : job.cluster,
      ],
      ['account', job.account],
      ['store', job.store],
      ['secrets', versions.join(', ')],
      ['timeout', found.timeout === undefined ? undefined : formatDuration(found.timeout)],
      ['schedule', scheduleOf(found)],
      ['params', JSON.stringify(found.params)],
    ]),
  )
}

/**
 * The deployment of that name.
 * @throws UserError when there is none
 */
export async function findDeployed(database: Database, name: string): Promise<DeploymentRecord> {
  return deployedIn(await deployments(database), name)
}

/**
 * Pure: one of the deployments that there are.
 * @param fix what to do about a flow that is in this folder, and not deployed
 * @throws UserError when there is none of that name
 */
export function deployedIn(
  all: readonly DeploymentRecord[],
  name: string,
  fix = `Deploy the flow with: millrace deploy ${name}`,
): DeploymentRecord {
  const found = all.find((each) => each.name === name)
  if (found) return found
  const names = all.map((each) => each.name)
  const near = nearest(name, names)
  const isHere = flowNames(root).includes(name)
  throw new UserError(
    `there is no deployment "${name}"${near ? `; did you mean "${near}"?` : ''}`,
    isHere ? fix : `Deployments: ${names.length > 0 ? names.join(', ') : 'none; an agent registers what is deployed'}.`,
  )
}

function scheduleOf({ schedule }: DeploymentRecord): string {
  if (!schedule) return ''
  return `${schedule.cron} ${schedule.timezone}${schedule.paused ? ' (paused)' : ''}`
}

function machine({ cpu, memory, gpu, machineType, spot }: Machine): string {
  return [
    machineType,
    cpu === undefined ? undefined : `${cpu} cpu`,
    memory === undefined ? undefined : formatBytes(memory),
    gpu ? `${gpu} gpu` : undefined,
    spot ? 'spot' : undefined,
  ]
    .filter(Boolean)
    .join(', ')
}
