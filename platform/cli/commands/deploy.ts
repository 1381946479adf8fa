import { checkFlowName } from '@millrace/engine'
import {
  author,
  type Deployed,
  type DeployRequest,
  deploy as deployFlows,
  localBundles,
  planDeploy,
  undeploy as undeployFlows,
} from '@millrace/release'
import { UserError } from '@millrace/sdk'
import { formatChanges } from '../output/deployment-changes.ts'
import { root } from '../project.ts'
import { openRecords, type RecordOptions } from './releases.ts'

interface DeployOptions extends RecordOptions {
  readonly stack: string
  readonly branch?: string
  readonly image?: string
  readonly bundles?: string
  readonly reason?: string
  readonly dryRun?: boolean
}

/** `millrace deploy [FLOW…]` */
export async function deploy(flows: readonly string[], options: DeployOptions): Promise<void> {
  for (const flow of flows) checkFlowName(root, flow)
  const { stack, branch, image, bundles, reason, dryRun = false } = options
  const records = openRecords(options)
  const request: DeployRequest = {
    root,
    records,
    stack,
    flows,
    branch,
    image,
    bundles,
    firstBundles: records.folder === undefined ? undefined : localBundles(root),
    // The local platform has no config of its own, and does all that a flow says.
    ...(records.folder !== undefined && { schedules: true }),
    act: { by: await author(root), reason },
  }
  const done = dryRun ? await planDeploy(request) : await deployFlows(request)
  if (options.json) {
    const { move, ...rest } = done
    const more = move && { release: move.release, number: move.number }
    process.stdout.write(`${JSON.stringify({ stack, store: records.url, ...rest, ...more, dryRun }, null, 2)}\n`)
  } else process.stdout.write(describe(done, stack, dryRun))
}

function describe({ target, changes, left, move }: Deployed, stack: string, dryRun: boolean): string {
  const where = target.kind === 'branch' ? `${stack}, from the branch ${target.branch}` : stack
  const what = target.kind === 'release' && move ? `: release ${move.release}` : ''
  const lines = [
    ...(changes.length > 0 ? [formatChanges(changes)] : []),
    changes.length === 0
      ? `Nothing to deploy: in ${where}, all is as it is here.`
      : `${dryRun ? 'Would be deployed' : 'Deployed'} to ${where}${what}`,
    ...(left.length > 0 ? [`Left out, for "pulumi up" has to make their accounts first: ${left.join(', ')}`] : []),
  ]
  return `${lines.join('\n')}\n`
}

interface UndeployOptions extends RecordOptions {
  readonly branch?: string
  readonly reason?: string
}

/** `millrace undeploy FLOW@BRANCH`, `millrace undeploy --branch BRANCH` */
export async function undeploy(name: string | undefined, options: UndeployOptions): Promise<void> {
  const { branch, reason } = options
  if ((name === undefined) === (branch === undefined)) {
    throw new UserError('what is to be taken away? Say FLOW@BRANCH for one, or --branch BRANCH for all of a branch')
  }
  const asked = branch === undefined ? { name: name ?? '' } : { branch }
  const { names } = await undeployFlows(openRecords(options), asked, { by: await author(root), reason })
  if (options.json) process.stdout.write(`${JSON.stringify({ undeployed: names }, null, 2)}\n`)
  else if (names.length > 0) process.stdout.write(`Taken away: ${names.join(', ')}\n`)
  else process.stdout.write(`Nothing is deployed from the branch ${branch}.\n`)
}
