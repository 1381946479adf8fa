import type { Command } from 'commander'
import type { SharedOptions } from './shared-options.ts'

/** `millrace schedules …` */
export function declareSchedules(program: Command, { database, json, records }: SharedOptions): void {
  const schedules = program
    .command('schedules')
    .description('Look at the schedules of flows, pause them.')
    .addOption(database())
    .addHelpText(
      'after',
      '\nExamples:\n  millrace schedules\n  millrace schedules next hello --count 5\n  millrace schedules pause hello --reason "its source is away"',
    )
  schedules
    .command('list', { isDefault: true })
    .description('List the schedules: when they ran last, when they run next, which are paused.')
    .addOption(json())
    .addHelpText('after', '\nExamples:\n  millrace schedules\n  millrace schedules list --json')
    .action(async (_options, command) =>
      (await import('../commands/schedules.ts')).listSchedules(command.optsWithGlobals()),
    )
  schedules
    .command('next')
    .argument('<deployment>', 'one with a schedule')
    .description('List when a schedule fires next.')
    .option('--count <count>', 'how many times', '5')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  millrace schedules next hello --count 10')
    .action(async (name, _options, command) =>
      (await import('../commands/schedules.ts')).nextFirings(name, command.optsWithGlobals()),
    )
  schedules
    .command('pause')
    .argument('<flow>', 'the flow whose schedule it is')
    .description('Pause a schedule; it stays so through deploys and rollbacks, until it is resumed.')
    .addOption(records())
    .option('--reason <text>', 'why, for others to see')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  millrace schedules pause hello --reason "its source is away until Monday"')
    .action(async (flow, _options, command) =>
      (await import('../commands/schedules.ts')).pause(flow, command.optsWithGlobals()),
    )
  schedules
    .command('resume')
    .argument('<flow>', 'the flow whose schedule it is')
    .description('Let a paused schedule go on, with its next time; what it missed is for "millrace backfill".')
    .addOption(records())
    .addOption(json())
    .addHelpText('after', '\nExample:\n  millrace schedules resume hello')
    .action(async (flow, _options, command) =>
      (await import('../commands/schedules.ts')).resume(flow, command.optsWithGlobals()),
    )
}
