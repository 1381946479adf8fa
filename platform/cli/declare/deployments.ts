import type { Command } from 'commander'
import type { SharedOptions } from './shared-options.ts'

/** `millrace deployments …` */
export function declareDeployments(program: Command, { database, json }: SharedOptions): void {
  const deployments = program
    .command('deployments')
    .description('Look at what can be run by agents: flows as they are deployed.')
    .addOption(database())
    .addHelpText('after', '\nExamples:\n  millrace deployments\n  millrace deployments show hello')
  deployments
    .command('list', { isDefault: true })
    .description('List the deployments.')
    .addOption(json())
    .addHelpText('after', '\nExamples:\n  millrace deployments\n  millrace deployments list --json')
    .action(async (_options, command) =>
      (await import('../commands/deployments.ts')).listDeployments(command.optsWithGlobals()),
    )
  deployments
    .command('show')
    .argument('<deployment>', 'hello, or hello@feature-x')
    .description('Show one deployment: code, machines, parameters, schedule.')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  millrace deployments show hello')
    .action(async (name, _options, command) =>
      (await import('../commands/deployments.ts')).showDeployment(name, command.optsWithGlobals()),
    )
}
