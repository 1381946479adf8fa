import { type Command, Option } from 'commander'
import { list, type SharedOptions, several } from './shared-options.ts'

const QUEUE = 'name of the queue'

/** `millrace queue …`: look at work queues, set them, put runs into them. */
export function declareQueue(program: Command, { database, json }: SharedOptions): void {
  const queue = program
    .command('queue')
    .description('Look at the queues that runs wait in, pause them, put runs into them.')
    .addOption(database())
    .addHelpText(
      'after',
      `
Examples:
  millrace queue
  millrace queue set big --concurrency 4 --window "22:00-06:00 Europe/Berlin"
  millrace queue pause big --reason "the database moves"
  millrace queue add predict --params-file tiles.jsonl --key-field tile --key-scope ever`,
    )
  queue
    .command('list', { isDefault: true })
    .description('List the queues: what waits, what runs, what holds them up.')
    .addOption(json())
    .addHelpText('after', '\nExamples:\n  millrace queue\n  millrace queue list --json')
    .action(async (_options, command) => (await import('../commands/queue.ts')).listQueues(command.optsWithGlobals()))
  queue
    .command('show')
    .argument('<queue>', QUEUE)
    .description('Show one queue, the newest runs that wait in it, and why they wait.')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  millrace queue show default')
    .action(async (name, _options, command) =>
      (await import('../commands/queue.ts')).showQueue(name, command.optsWithGlobals()),
    )
  queue
    .command('set')
    .argument('<queue>', QUEUE)
    .description('Make a queue, or set how it works; what is not given stays as it is.')
    .option('--concurrency <count>', 'most runs of it at once, or "none"')
    .option('--priority <number>', 'queues of a higher one go first')
    .option('--cap <count>', 'most runs that may wait in it, or "none"')
    .option('--window <window>', 'when its runs may start: "22:00-06:00 Europe/Berlin MON,TUE", or "none"')
    .addOption(json())
    .addHelpText(
      'after',
      `
A window names the time zone; days are those on which it opens, all when left out.

Examples:
  millrace queue set big --concurrency 4 --priority 10
  millrace queue set nightly --window "22:00-06:00 Europe/Berlin MON,TUE,WED,THU,FRI"
  millrace queue set nightly --window none --cap 10000`,
    )
    .action(async (name, _options, command) =>
      (await import('../commands/queue.ts')).setQueue(name, command.optsWithGlobals()),
    )
  queue
    .command('pause')
    .argument('<queue>', QUEUE)
    .description('Start no more runs of a queue; those that run go on.')
    .option('--reason <text>', 'why, for others to see')
    .addHelpText('after', '\nExample:\n  millrace queue pause big --reason "the database moves"')
    .action(async (name, _options, command) =>
      (await import('../commands/queue.ts')).pause(name, command.optsWithGlobals()),
    )
  queue
    .command('resume')
    .argument('<queue>', QUEUE)
    .description('Let a paused queue go on.')
    .addHelpText('after', '\nExample:\n  millrace queue resume big')
    .action(async (name, _options, command) =>
      (await import('../commands/queue.ts')).resume(name, command.optsWithGlobals()),
    )
  queue
    .command('clear')
    .argument('<queue>', QUEUE)
    .description('Cancel all runs that wait in a queue; those that run go on.')
    .option('--yes', 'do it without asking')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  millrace queue clear big')
    .action(async (name, _options, command) =>
      (await import('../commands/queue.ts')).clear(name, command.optsWithGlobals()),
    )
  queue
    .command('remove')
    .argument('<queue>', QUEUE)
    .description('Remove a queue that nothing waits in; a deployment that names it makes it anew.')
    .addHelpText('after', '\nExample:\n  millrace queue remove big')
    .action(async (name, _options, command) =>
      (await import('../commands/queue.ts')).remove(name, command.optsWithGlobals()),
    )
  queue
    .command('limit')
    .argument('<label>', 'a label of runs')
    .argument('<count>', 'most runs with it at once, in all queues together, or "none"')
    .description('Limit how many runs with a label go at once.')
    .addHelpText('after', '\nExamples:\n  millrace queue limit postgis 3\n  millrace queue limit postgis none')
    .action(async (label, most, _options, command) =>
      (await import('../commands/queue.ts')).limit(label, most, command.optsWithGlobals()),
    )
  queue
    .command('limits')
    .description('List the limits of labels.')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  millrace queue limits')
    .action(async (_options, command) => (await import('../commands/queue.ts')).listLimits(command.optsWithGlobals()))
  queue
    .command('add')
    .argument('<deployment>', 'what to run: hello, or hello@feature-x')
    .description('Queue runs of a deployment: one, or one for each line of a file.')
    .option('-p, --param <name=value>', 'a parameter of each run; may be repeated', several)
    .option('-f, --params-file <file>', 'JSON objects with parameters, one on each line ("-" for standard input)')
    .option('--key-field <name>', 'the parameter that says which run it is: one that is known is not queued again')
    .addOption(
      new Option('--key-scope <scope>', 'for how long it is known: while it waits, until it is over, for ever')
        .choices(['queued', 'active', 'ever'])
        .default('active'),
    )
    .option('--queue <name>', 'in place of the queue of the deployment')
    .option('--priority <number>', 'those of a higher one go first')
    .option('--labels <labels>', 'in place of those of the deployment: gpu,highmem', list)
    .option('--not-before <time>', 'do not start before: 2026-11-20T22:00Z, or in "2 hours"')
    .addOption(new Option('--json', 'print each run that was queued, a JSON object on each line'))
    .addHelpText(
      'after',
      `
A parameter on the command line counts more than one in the file. A file is checked as a whole before anything is
queued; standard input is queued as it comes.

Examples:
  millrace queue add hello --param names='["Ada"]'
  millrace queue add predict --params-file tiles.jsonl --key-field tile --key-scope ever
  generate-tiles | millrace queue add predict --params-file - --queue big --priority -1`,
    )
    .action(async (name, _options, command) =>
      (await import('../commands/enqueue.ts')).addRuns(name, command.optsWithGlobals()),
    )
}

/** `millrace backfill …` */
export function declareBackfill(program: Command, { database }: SharedOptions): void {
  program
    .command('backfill')
    .argument('<deployment>', 'what to run: hello, or hello@feature-x')
    .description('Queue a run for each id in a file, or for each time of a schedule that was missed.')
    .addOption(database())
    .option('--ids-file <file>', 'a file with an id on each line ("-" for standard input)')
    .option('--id-param <name>', 'the parameter that gets the id')
    .option('--name <name>', 'names this backfill (default: after its parameters)')
    .option('--from <time>', 'of the schedule: times from this on, for instance 2026-01-01 or 2026-01-01T06:00Z')
    .option('--to <time>', 'and before this')
    .option('-p, --param <name=value>', 'a parameter of each run; may be repeated', several)
    .option('--queue <name>', 'in place of the queue of the deployment')
    .option('--priority <number>', 'those of a higher one go first')
    .option('--labels <labels>', 'in place of those of the deployment: gpu,highmem', list)
    .option('--dry-run', 'only say what would be queued')
    .addOption(new Option('--json', 'print each run that was queued, a JSON object on each line'))
    .addHelpText(
      'after',
      `
What was queued once is not queued again: a backfill that broke off is repeated as it is, and one that is to be done anew
gets another --name. Dates without a time are at midnight in the time zone of the schedule.

Examples:
  millrace backfill predict --ids-file waters.txt --id-param water --param outputs=area,extent
  millrace backfill predict --ids-file waters.txt --id-param water --name "after the fix" --dry-run
  millrace backfill report --from 2026-01-01 --to 2026-02-01 --queue slow`,
    )
    .action(async (name, options) => (await import('../commands/backfill.ts')).backfill(name, options))
}
