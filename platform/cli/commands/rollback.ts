import { author, planRollback, type Rollback, rollback as rollBack, secretManager } from '@millrace/release'
import { formatChanges } from '../output/deployment-changes.ts'
import { root } from '../project.ts'
import { openRecords, type RecordOptions } from './releases.ts'

interface RollbackOptions extends RecordOptions {
  readonly dryRun?: boolean
  readonly reason?: string
}

/** `millrace rollback [ID]` */
export async function rollback(asked: string | undefined, options: RollbackOptions): Promise<void> {
  const { dryRun = false, reason } = options
  const records = openRecords(options)
  // `MILLRACE_GOOGLE_ENDPOINT=http://host:port` stands for Google Cloud, and is asked without credentials.
  const secrets = secretManager(process.env.MILLRACE_GOOGLE_ENDPOINT)
  const done = dryRun
    ? await planRollback(records, asked, secrets)
    : await rollBack(records, asked, { by: await author(root), reason }, secrets)
  process.stdout.write(options.json ? `${JSON.stringify(asJson(done, dryRun), null, 2)}\n` : describe(done, dryRun))
}

function asJson({ move, ...done }: Rollback, dryRun: boolean): object {
  return { ...done, dryRun, ...(move && { number: move.number, by: move.by, reason: move.reason }) }
}

function describe({ from, to, changes, enables, withoutAccount }: Rollback, dryRun: boolean): string {
  const lines = [
    `${from} -> ${to}${dryRun ? ' (dry run: nothing was done)' : ''}`,
    changes.length > 0 ? formatChanges(changes) : 'The deployments of both are the same.',
    ...enables.map((version) => `${dryRun ? 'Would enable' : 'Enabled'} ${version}, which was disabled.`),
    ...withoutAccount.map((flow) => `Flow ${flow} cannot run until "pulumi up" makes its service account again.`),
    ...(dryRun ? [] : [`To take it back: millrace rollback ${from}`]),
  ]
  return `${lines.join('\n')}\n`
}
