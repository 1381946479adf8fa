import { type Command, Option } from 'commander'
import type { SharedOptions } from './shared-options.ts'

const DEPLOYMENTS = 'hello, or hello@feature-x; every run, of whatever deployment, when left out'

/** `millrace dispatch …`: hold runs back in their queues, while a release is rolled for one. */
export function declareDispatch(program: Command, { database, json }: SharedOptions): void {
  const dispatch = program
    .command('dispatch')
    .description('Hold runs back in their queues, and let them go again.')
    .addOption(database())
    .addHelpText(
      'after',
      `
Examples:
  millrace dispatch
  millrace dispatch pause --reason "release 7 is rolled" --wait
  millrace dispatch resume`,
    )
  dispatch
    .command('status', { isDefault: true })
    .argument('[deployments...]', 'only runs of these')
    .description('Show what is held back, and which runs go on.')
    .addOption(json())
    .addHelpText('after', '\nExamples:\n  millrace dispatch\n  millrace dispatch status datacube --json')
    .action(async (names, _options, command) =>
      (await import('../commands/dispatch.ts')).status(names, command.optsWithGlobals()),
    )
  dispatch
    .command('pause')
    .argument('[deployments...]', DEPLOYMENTS)
    .description('Launch no more runs; those that go on go on, and new ones queue.')
    .option('--reason <text>', 'why, for others to see')
    .option('--wait', 'until none of them goes on')
    .addOption(
      new Option('--timeout <time>', 'wait no longer than this, for instance "30 minutes"').implies({ wait: true }),
    )
    .addOption(json())
    .addHelpText(
      'after',
      `
Whether the wait ends or not, runs are held back until \`millrace dispatch resume\`. A wait that takes too long ends with 1.

Examples:
  millrace dispatch pause --reason "release 7 is rolled"
  millrace dispatch pause datacube burn --wait --timeout "2 hours"`,
    )
    .action(async (names, _options, command) =>
      (await import('../commands/dispatch.ts')).pause(names, command.optsWithGlobals()),
    )
  dispatch
    .command('resume')
    .argument('[deployments...]', 'those that were named when they were paused; when left out, the pause of every run')
    .description('Let runs be launched again.')
    .addOption(json())
    .addHelpText('after', '\nExamples:\n  millrace dispatch resume\n  millrace dispatch resume datacube')
    .action(async (names, _options, command) =>
      (await import('../commands/dispatch.ts')).resume(names, command.optsWithGlobals()),
    )
}
