import type { Command } from 'commander'
import type { SharedOptions } from './shared-options.ts'

/** `millrace agents …` */
export function declareAgents(program: Command, { database, json }: SharedOptions): void {
  program
    .command('agents')
    .description('Look at the agents that launch runs.')
    .addOption(database())
    .addHelpText('after', '\nExamples:\n  millrace agents\n  millrace agents --json')
    .command('list', { isDefault: true })
    .description('List the agents: how they launch, what labels they have, what they look after.')
    .option('--all', 'those that are gone too')
    .addOption(json())
    .addHelpText('after', '\nExamples:\n  millrace agents\n  millrace agents list --all')
    .action(async (_options, command) => (await import('../commands/agents.ts')).listAgents(command.optsWithGlobals()))
}
