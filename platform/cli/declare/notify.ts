import type { Command } from 'commander'
import { list, type SharedOptions } from './shared-options.ts'

/** `millrace notify …` */
export function declareNotify(program: Command, { database, json }: SharedOptions): void {
  const notify = program
    .command('notify')
    .description('Say who is told that a run is over: by webhook, by mail, in Slack.')
    .addOption(database())
    .addHelpText(
      'after',
      `
Examples:
  millrace notify
  millrace notify add oncall --to mailto:oncall@example.org --states Failed,Crashed
  millrace notify add catalogue --to https://example.org/hooks/runs --flows predict --secret webhook-signing-key
  millrace notify test oncall`,
    )
  notify
    .command('list', { isDefault: true })
    .description('List who is told of what.')
    .addOption(json())
    .addHelpText('after', '\nExamples:\n  millrace notify\n  millrace notify list --json')
    .action(async (_options, command) => (await import('../commands/notify.ts')).listRules(command.optsWithGlobals()))
  notify
    .command('add')
    .argument('<name>', 'what the rule is called; one of this name is replaced')
    .description('Tell somebody of the runs that end so; what is not given does not matter.')
    .requiredOption('--to <url>', '"https://…", a webhook of Slack, or "mailto:ADDRESS,ADDRESS"')
    .option('--states <states>', 'only of runs that end so: Completed, Failed, Crashed, Cancelled', list)
    .option('--flows <flows>', 'only of these flows', list)
    .option('--queues <queues>', 'only of runs of these queues', list)
    .option('--labels <labels>', 'only of runs that have all these labels', list)
    .option(
      '--secret <name>',
      'name of the secret that signs webhooks, so that their receiver knows whom they are from',
    )
    .addOption(json())
    .addHelpText(
      'after',
      `
Webhooks are signed as https://www.standardwebhooks.com has it. Their secret is text, or "whsec_" and base64; the agent
has it in the environment variable of its name.

Examples:
  millrace notify add oncall --to mailto:oncall@example.org --states Failed,Crashed
  millrace notify add channel --to https://hooks.slack.com/services/T/B/X --queues big
  millrace notify add catalogue --to https://example.org/hooks/runs --secret webhook-signing-key`,
    )
    .action(async (name, _options, command) =>
      (await import('../commands/notify.ts')).addRule(name, command.optsWithGlobals()),
    )
  notify
    .command('remove')
    .argument('<name>', 'name of the rule')
    .description('Tell them no more.')
    .addHelpText('after', '\nExample:\n  millrace notify remove oncall')
    .action(async (name, _options, command) =>
      (await import('../commands/notify.ts')).remove(name, command.optsWithGlobals()),
    )
  notify
    .command('undelivered')
    .description('List what has not arrived: what is tried again, and what was given up.')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  millrace notify undelivered --json')
    .action(async (_options, command) =>
      (await import('../commands/notify.ts')).listUndelivered(command.optsWithGlobals()),
    )
  notify
    .command('test')
    .argument('<name>', 'name of the rule')
    .description('Send a test to whom a rule names, from here, with the secrets of this environment.')
    .addHelpText('after', '\nExample:\n  millrace notify test oncall')
    .action(async (name, _options, command) =>
      (await import('../commands/notify.ts')).sendTest(name, command.optsWithGlobals()),
    )
}
