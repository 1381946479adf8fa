import type { Command } from 'commander'
import { list, type SharedOptions } from './shared-options.ts'

/** `millrace runs retry` and `millrace runs move`. @param runs the command `runs`, which has --database */
export function declareRequeue(runs: Command, { json }: Pick<SharedOptions, 'json'>, runId: string): void {
  runs
    .command('retry')
    .argument('<run>', runId)
    .description(
      'Put a run that failed, crashed or was cancelled back into its queue; finished tasks are not run again.',
    )
    .addOption(json())
    .addHelpText('after', '\nExample:\n  millrace runs retry 1x7k')
    .action(async (id, _options, command) =>
      (await import('../commands/requeue.ts')).retry(id, command.optsWithGlobals()),
    )
  runs
    .command('move')
    .argument('<run>', runId)
    .description('Change where a run that still waits will run.')
    .option('--label <labels>', 'only an agent that has these labels takes it, however it launches: me', list)
    .option('--launcher <launcher>', 'only an agent that launches this way takes it, or "any"')
    .option('--queue <name>', 'the queue to wait in')
    .option('--priority <number>', 'those of a higher one go first')
    .addOption(json())
    .addHelpText(
      'after',
      '\nExamples:\n  millrace runs move 1x7k --label me\n  millrace runs move 1x7k --queue big --priority 10',
    )
    .action(async (id, _options, command) =>
      (await import('../commands/requeue.ts')).move(id, command.optsWithGlobals()),
    )
}
