import { Command, CommanderError, Option } from 'commander'
import { declareAgents } from './declare/agents.ts'
import { declareDeployments } from './declare/deployments.ts'
import { declareDispatch } from './declare/dispatch.ts'
import { declareNotify } from './declare/notify.ts'
import { declareBackfill, declareQueue } from './declare/queue.ts'
import { declareRequeue } from './declare/requeue.ts'
import { declareSchedules } from './declare/schedules.ts'
import { several } from './declare/shared-options.ts'
import { EXIT, report } from './exit.ts'

const list = (value: string): string[] => value.split(',').filter(Boolean)
const RUN_ID = 'id of the run, or the beginning of it, or "latest"'
const database = (): Option =>
  new Option('--database <url>', 'where runs are kept; "local" is the platform started by `millrace start`').env(
    'MILLRACE_DATABASE',
  )
const records = (): Option =>
  new Option('--store <url>', 'where releases are recorded (default: .millrace/releases of the project)').env(
    'MILLRACE_RELEASES',
  )
const json = (): Option => new Option('--json', 'print JSON, for other programs')

// Whoever read what is printed has read enough: `millrace runs | head -1`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

const program = new Command('millrace')
  .description('Data pipelines as plain TypeScript: on a laptop, on a worker cluster, in the cloud.')
  .version('0.1.0')
  .showHelpAfterError('(add --help for what there is)')
  .configureHelp({ sortSubcommands: false })
  .exitOverride()
  .addHelpText(
    'after',
    `
Examples:
  millrace run hello                          run a flow here, with nothing else started
  millrace run burn --param tasks=1000        with a parameter
  millrace start                              a local platform: database and workers
  MILLRACE_WORKERS=local millrace run burn    the same flow on those workers
  millrace runs                               what ran

Exit codes: 0 completed, 1 failed, 2 a mistake in what was asked for, 130 interrupted.`,
  )

program
  .command('run')
  .argument('<flow>', 'name of the flow: its folder under flows/')
  .description('Run a flow and wait for it.')
  .option('-p, --param <name=value>', 'a parameter; may be repeated, "a.b=1" sets a field inside one', several)
  .option('-f, --params-file <file>', 'a JSON file with parameters ("-" for standard input)')
  .option('--fixture <name>', 'the parameters in flows/FLOW/fixtures/NAME.json')
  .addOption(
    new Option('--env <name>', 'the environment whose config the flow gets').env('MILLRACE_ENV').default('dev'),
  )
  .addOption(
    new Option('--cluster [url]', 'run the tasks on the workers of this database, or "local"').env('MILLRACE_WORKERS'),
  )
  .addOption(new Option('--inline', 'run the tasks in the thread of the flow, for a debugger').conflicts('cluster'))
  .option('--record', 'keep the run in the database, so that it can be looked at and resumed')
  .addOption(database())
  .option('--slots <count>', 'tasks at once, without a cluster (default: one for each processor)')
  .option('--memory <size>', 'most memory one task may take, without a cluster, for instance "2 GiB"')
  .option('-q, --quiet', 'no log lines, no progress')
  .addOption(json())
  .optionsGroup('With --remote:')
  .option('--remote', 'queue the run for an agent, which launches it where the flow, or a label, says')
  .option('-w, --watch', 'show its log lines as they come, until it is over')
  .option('--ephemeral', 'the flow as it is in this folder, for this run only: nothing is deployed')
  .option('--label <label>', 'only an agent that has it takes the run: a laptop, say; may be repeated', several)
  .addOption(
    new Option('--launcher <launcher>', 'only an agent that launches so takes it').choices([
      'process',
      'docker',
      'kubernetes',
      'cloud-run',
      'vertex',
    ]),
  )
  .option('--workers <count>', 'so many workers of its own; 0: tasks run in its driver')
  .option('--cpu <count>', 'processors of each worker, or of the driver where there are no workers')
  .option('--gpu <count>', 'GPUs, likewise; --memory too')
  .option('--machine-type <type>', 'machine as the cloud names it, likewise')
  .option('--spot', 'machines that cost less, and may be taken away at any time: for driver and workers')
  .option('--queue <name>', 'the work queue that it waits in')
  .option('--priority <number>', 'higher ones go first')
  .option('--key <text>', 'a second run of the same deployment with this key is not queued')
  .addOption(
    new Option('--key-scope <scope>', 'while the first waits, until it is over, for ever').choices([
      'queued',
      'active',
      'ever',
    ]),
  )
  .option('--not-before <time>', 'a time, or how long from now: "2 hours"')
  .option('--callback <address>', 'told when it is over: https://… or mailto:…; may be repeated', several)
  .addHelpText(
    'after',
    `
Examples:
  millrace run hello --param names='["Ada","Grace"]'
  millrace run datacube --fixture us-flights
  millrace run datacube --params-file params.json --param model_bucket=file:/data/out
  MILLRACE_WORKERS=postgres://… millrace run burn --param tasks=10000
  millrace run hello --json | jq .result
  millrace run hello --remote --watch
  millrace run hello@feature-x --remote --watch
  millrace run datacube --remote --workers 4 --memory '8 GiB' --label me`,
  )
  .action(async (flow, options) =>
    options.remote
      ? (await import('./commands/remote.ts')).runRemotely(flow, options)
      : (await import('./commands/run.ts')).run(flow, options),
  )

const runs = program
  .command('runs')
  .description('Look at runs, stop them, resume them.')
  .addOption(database())
  .addHelpText(
    'after',
    '\nExamples:\n  millrace runs\n  millrace runs show latest\n  millrace runs logs latest --watch',
  )
runs
  .command('list', { isDefault: true })
  .description('List runs, newest first.')
  .option('--flow <name>', 'only runs of this flow')
  .option('--state <states>', 'only runs in these states, for instance Failed,Crashed', list)
  .option('--deployment <name>', 'only runs of this deployment')
  .option('--queue <name>', 'only runs of this queue')
  .option('--label <label>', 'only runs with this label')
  .option('--since <time>', 'only runs created since, for instance "2 days" or 2026-11-20')
  .option('--limit <count>', 'how many', '20')
  .option('--after <id>', 'go on after this run: the next page')
  .option('-w, --watch', 'show them again as they change')
  .addOption(json())
  .addHelpText(
    'after',
    '\nExamples:\n  millrace runs\n  millrace runs list --state Failed,Crashed --since "1 day" --json',
  )
  .action(async (_options, command) => (await import('./commands/runs.ts')).listRuns(command.optsWithGlobals()))
runs
  .command('show')
  .argument('<run>', RUN_ID)
  .description('Show one run: state, parameters, tasks.')
  .option('-w, --watch', 'show it again as it changes, until it is over')
  .addOption(json())
  .addHelpText('after', '\nExamples:\n  millrace runs show 1x7k\n  millrace runs show 1x7k --watch')
  .action(async (id, _options, command) => (await import('./commands/runs.ts')).showRun(id, command.optsWithGlobals()))
runs
  .command('logs')
  .argument('<run>', RUN_ID)
  .description('Print the log lines of a run.')
  .option('-w, --watch', 'go on as they come, until the run is over')
  .addOption(
    new Option('--level <level>', 'least severity').choices(['debug', 'info', 'warn', 'error']).default('debug'),
  )
  .addOption(json())
  .addHelpText('after', '\nExamples:\n  millrace runs logs 1x7k --level warn\n  millrace runs logs 1x7k --watch')
  .action(async (id, _options, command) =>
    (await import('./commands/runs.ts')).printLogs(id, command.optsWithGlobals()),
  )
for (const [verb, text] of [
  ['cancel', 'Stop a run and its tasks.'],
  ['pause', 'Start no more tasks of a run; those that run go on.'],
  ['continue', 'Let a paused run go on.'],
] as const) {
  runs
    .command(verb)
    .argument('<run>', RUN_ID)
    .description(text)
    .addHelpText('after', `\nExample:\n  millrace runs ${verb} 1x7k`)
    .action(async (id, _options, command) =>
      (await import('./commands/runs.ts')).changeRun(verb, id, command.optsWithGlobals()),
    )
}
const addResume = (parent: Command): Command =>
  parent
    .command('resume')
    .argument('<run>', RUN_ID)
    .description('Go on with a run that failed, crashed or was cancelled; finished tasks are not run again.')
    .option('-q, --quiet', 'no log lines, no progress')
    .option('--slots <count>', 'tasks at once, without a cluster (default: one for each processor)')
    .option('--memory <size>', 'most memory one task may take, without a cluster')
    .addOption(json())
    .addHelpText('after', '\nExample:\n  millrace resume 1x7k')
    .action(async (id, _options, command) => (await import('./commands/run.ts')).resume(id, command.optsWithGlobals()))
addResume(runs)
runs
  .command('report')
  .argument('<run>', RUN_ID)
  .description('Write a page about a run: tasks, timeline, failures, log.')
  .option('-o, --out <file>', 'the file to write', 'run.html')
  .addHelpText('after', '\nExample:\n  millrace runs report 1x7k --out run.html')
  .action(async (id, _options, command) =>
    (await import('./commands/report.ts')).reportRun(id, command.optsWithGlobals()),
  )
runs
  .command('prune')
  .description('Delete old runs with their tasks, results and logs.')
  .requiredOption('--older-than <time>', 'runs that ended before, for instance "30 days"')
  .option('--dry-run', 'only say which')
  .addHelpText('after', '\nExample:\n  millrace runs prune --older-than "30 days" --dry-run')
  .action(async (_options, command) => (await import('./commands/runs.ts')).pruneRuns(command.optsWithGlobals()))

addResume(program).addOption(database())
declareRequeue(runs, { json }, RUN_ID)

const shared = { database, json, records }
declareDeployments(program, shared)
declareQueue(program, shared)
declareBackfill(program, shared)
declareSchedules(program, shared)
declareDispatch(program, shared)
declareNotify(program, shared)
declareAgents(program, shared)

const flows = program
  .command('flows')
  .description('Look at the flows of this project.')
  .addHelpText('after', '\nExamples:\n  millrace flows\n  millrace flows show hello')
flows
  .command('list', { isDefault: true })
  .description('List the flows.')
  .addOption(json())
  .addHelpText('after', '\nExample:\n  millrace flows')
  .action(async (options) => (await import('./commands/flows.ts')).listFlows(options))
flows
  .command('show')
  .argument('<flow>')
  .description('Show one flow and its parameters.')
  .addOption(json())
  .addHelpText('after', '\nExample:\n  millrace flows show datacube')
  .action(async (name, options) => (await import('./commands/flows.ts')).showFlow(name, options))

program
  .command('new')
  .argument('<flow>', 'its name: lower-case letters, digits and "-"')
  .description('Make a flow from a template: its folder, with a README and fixtures, and its test.')
  .option('-t, --template <name>', 'etl, fan-out or sync')
  .option('--description <text>', 'what it is for, in a sentence')
  .option('--owner <name>', 'who owns it (default: user.name of git)')
  .option('--contact <address>', 'whom to ask about it (default: user.email of git)')
  .option('--source <url>', 'the store that production reads')
  .option('--sink <url>', 'the store that production writes to')
  .option('--dry-run', 'only list the files')
  .addHelpText(
    'after',
    `
Templates:
  etl       files in, SQL, files out
  fan-out   plan, measure each part, add up
  sync      copy from one store to another what is new or has changed

What is not given is asked for.

Examples:
  millrace new orders --template etl
  millrace new orders --template etl --description "Cleans orders." --source gs://example-in --sink gs://example-out
  millrace new orders --template etl --dry-run`,
  )
  .action(async (name, options) => (await import('./commands/new.ts')).newFlow(name, options))

program
  .command('graph')
  .argument('[flow]')
  .description('Draw how the tasks of a flow hang together.')
  .addOption(new Option('--format <format>', 'of the drawing').choices(['mermaid', 'dot']).default('mermaid'))
  .addHelpText(
    'after',
    '\nExamples:\n  millrace graph datacube\n  millrace graph datacube --format dot | dot -Tsvg > datacube.svg',
  )
  .action(async (name, options) => (await import('./commands/graph.ts')).graph(name, options))

const worker = program
  .command('worker')
  .description('Run tasks of a cluster here.')
  .addHelpText('after', '\nExample:\n  millrace worker start')
worker
  .command('start')
  .description('Start a worker; Ctrl-C or SIGTERM lets it finish what it runs.')
  .addOption(
    new Option('--database <url>', 'the database of the cluster, or "local"').env('MILLRACE_WORKERS').default('local'),
  )
  .option('--slots <count>', 'tasks at once (default: one for each processor)')
  .option('--labels <labels>', 'what it has, for tasks that ask for it: gpu,highmem', list, [])
  .addOption(new Option('--cluster <name>', 'take tasks of runs of this worker cluster alone').env('MILLRACE_CLUSTER'))
  .option('--name <name>', 'how it is called in messages')
  .option('--memory <size>', 'most memory one task may take')
  .option(
    '--drain-timeout <time>',
    'how long running tasks may take after SIGTERM before they are given back',
    '10 minutes',
  )
  .addHelpText(
    'after',
    `
Examples:
  millrace worker start
  millrace worker start --database postgres://… --slots 4 --labels gpu`,
  )
  .action(async (options) => (await import('./commands/worker.ts')).startWorker(options))

const cluster = program
  .command('cluster')
  .description('Look at the worker cluster.')
  .addHelpText('after', '\nExamples:\n  millrace cluster\n  millrace cluster ping')
  .addOption(
    new Option('--database <url>', 'the database of the cluster, or "local"').env('MILLRACE_WORKERS').default('local'),
  )
cluster
  .command('ping')
  .description('Send tasks through the cluster and measure.')
  .option('--tasks <count>', 'how many', '500')
  .addOption(json())
  .addHelpText('after', '\nExamples:\n  millrace cluster ping\n  millrace cluster ping --tasks 10000 --json')
  .action(async (_options, command) => (await import('./commands/cluster.ts')).ping(command.optsWithGlobals()))
cluster
  .command('status', { isDefault: true })
  .description('Show workers, what they do, and what waits.')
  .option('--pool <pool>', 'only workers and runs of this pool: cluster:NAME, run:ID')
  .option('-w, --watch', 'show it again every second')
  .addOption(json())
  .addHelpText('after', '\nExamples:\n  millrace cluster status\n  millrace cluster status --watch')
  .action(async (_options, command) => (await import('./commands/cluster.ts')).status(command.optsWithGlobals()))
for (const [verb, text] of [
  ['drain', 'Let workers finish what they run, and end.'],
  ['restart', 'Let workers finish what they run, and start anew where something supervises them.'],
] as const) {
  cluster
    .command(verb)
    .argument('[workers...]', 'names of workers; all when left out')
    .description(text)
    .addHelpText('after', `\nExample:\n  millrace cluster ${verb}`)
    .action(async (names, _options, command) =>
      (await import('./commands/cluster.ts')).tellWorkers(verb, names, command.optsWithGlobals()),
    )
}

const agent = program
  .command('agent')
  .description('Take queued runs, and launch them.')
  .addHelpText('after', '\nExample:\n  millrace agent start --label me')
const launching = (command: Command): Command =>
  command
    .addOption(
      new Option('--launcher <launcher>', 'how it launches: process, docker, kubernetes, cloud-run or vertex')
        .env('MILLRACE_LAUNCHER')
        .default('process'),
    )
    .addOption(new Option('--stack <name>', 'the stack whose jobs they are').env('MILLRACE_STACK').default('dev'))
    .addOption(new Option('--project <id>', 'cloud-run, vertex: the project').env('MILLRACE_PROJECT'))
    .addOption(new Option('--region <region>', 'cloud-run, vertex: the region').env('MILLRACE_REGION'))
    .addOption(new Option('--network <name>', 'docker, cloud-run, vertex: what jobs join').env('MILLRACE_NETWORK'))
    .addOption(new Option('--namespace <name>', 'kubernetes: where jobs are').env('MILLRACE_NAMESPACE'))
    .addOption(database())
launching(
  agent
    .command('start')
    .description('Start an agent; Ctrl-C or SIGTERM lets it finish what it launched on this machine.')
    .option('--labels <labels>', 'what it has, for runs that ask for it: etl,gpu', list, [])
    .option('--label <label>', 'takes only runs that ask for this: a laptop of your own; may be repeated', several)
    .option('--limit <count>', 'runs going at once (default: by launcher)')
    .option('--name <name>', 'how it is called in messages')
    .addOption(records())
    .option('--job-database <url>', 'the database as its jobs reach it (default: as it does)')
    .option('--port <port>', 'answer there who asks how it is, and how many tasks wait')
    .option('--drain-timeout <time>', 'how long runs on this machine may take after SIGTERM', '10 minutes'),
)
  .addHelpText(
    'after',
    `
Examples:
  millrace agent start
  millrace agent start --label me --database postgres://…
  millrace agent start --launcher docker --labels etl --limit 4
  millrace agent start --launcher vertex --project example-prod --region europe-west1 --stack prod`,
  )
  .action(async (options) => (await import('./commands/agent.ts')).startAgent(options))

launching(
  program
    .command('sweep')
    .description(
      'Compare runs with the jobs that were launched for them, and put right what does not agree; agents do it all the time.',
    )
    .option('--dry-run', 'only say what would be done')
    .addOption(json()),
)
  .addHelpText('after', '\nExamples:\n  millrace sweep --dry-run\n  millrace sweep --launcher docker')
  .action(async (options) => (await import('./commands/agent.ts')).sweepOnce(options))

program
  .command('start')
  .description('Run the platform on this machine, in the foreground: database, agent, workers, schedules.')
  .option('--workers <count>', 'how many worker processes', '2')
  .option('--slots <count>', 'tasks at once in each', '1')
  .option('--memory <size>', 'most memory one task may take')
  .option('--no-agent', 'no agent: no queued runs, no schedules')
  .option('--no-deploy', 'leave deployed what is, instead of the flows as they are here')
  .option('--no-schedules', 'flows do not run by themselves')
  .addHelpText('after', '\nExamples:\n  millrace start\n  millrace start --workers 4 --slots 2')
  .action(async (options) => (await import('./commands/start.ts')).start(options))

program
  .command('demo')
  .description('See it all: database, two workers, and the flow datacube on real data.')
  .option('--out <folder>', 'where results and report go', 'out/demo')
  .addHelpText('after', '\nExample:\n  millrace demo')
  .action(async (options) => (await import('./commands/demo.ts')).demo(options))

program
  .command('bundle')
  .argument('[flows...]', 'names of flows; all when left out')
  .description('Compile flows, each to one file that is named by what is in it.')
  .option('-o, --out <folder>', 'where the bundles go: FLOW/DIGEST.mjs', 'out/bundles')
  .addOption(json())
  .addHelpText(
    'after',
    '\nExamples:\n  millrace bundle\n  millrace bundle hello datacube --out out/bundles\n  millrace bundle --json | jq ".[].digest"',
  )
  .action(async (names, options) => (await import('./commands/bundle.ts')).bundle(names, options))

program
  .command('affected')
  .description('List the flows whose bundles are others than they were at a commit, and why.')
  .requiredOption('--since <ref>', 'a commit, tag or branch')
  .addOption(json())
  .addHelpText('after', '\nExamples:\n  millrace affected --since main\n  millrace affected --since HEAD~1 --json')
  .action(async (options) => (await import('./commands/affected.ts')).affected(options))

program
  .command('catalogue')
  .description('Write a page about all flows: whose they are, what they are for, what they read, write and take.')
  .requiredOption('-o, --out <file>', 'the file to write: .html or .md')
  .addHelpText(
    'after',
    '\nExamples:\n  millrace catalogue --out out/flows.html\n  millrace catalogue --out docs/flows.md',
  )
  .action(async (options) => (await import('./commands/catalogue.ts')).catalogue(options))

const reason = (): Option => new Option('--reason <text>', 'why, for the history')

const releases = program
  .command('releases')
  .description('Look at what was released: bundles, images, schedules, parameters, versions of secrets.')
  .addOption(records())
  .addHelpText(
    'after',
    `
Examples:
  millrace releases
  millrace releases show current
  millrace releases diff 1a2b3c4d current
  millrace releases history --store gs://example-millrace-prod-releases`,
  )
releases
  .command('list', { isDefault: true })
  .description('List the releases, newest first.')
  .option('--limit <count>', 'how many', '20')
  .option('--after <id>', 'go on after this release: the next page')
  .addOption(json())
  .addHelpText('after', '\nExamples:\n  millrace releases\n  millrace releases list --limit 5 --json')
  .action(async (_options, command) => (await import('./commands/releases.ts')).showReleases(command.optsWithGlobals()))
const RELEASE_ID = 'id of the release, the beginning of it, or its last part; or "current"'
releases
  .command('show')
  .argument('[release]', RELEASE_ID, 'current')
  .description('Show a release, and beside the current one what branches have deployed.')
  .addOption(json())
  .addHelpText('after', '\nExamples:\n  millrace releases show\n  millrace releases show 1a2b3c4d --json')
  .action(async (id, _options, command) =>
    (await import('./commands/releases.ts')).showRelease(id, command.optsWithGlobals()),
  )
releases
  .command('diff')
  .argument('<from>', RELEASE_ID)
  .argument('<to>', RELEASE_ID)
  .description('Show what differs between two releases, field by field.')
  .addOption(json())
  .addHelpText('after', '\nExample:\n  millrace releases diff 1a2b3c4d current')
  .action(async (from, to, _options, command) =>
    (await import('./commands/releases.ts')).diffReleases(from, to, command.optsWithGlobals()),
  )
releases
  .command('history')
  .description('List who deployed, rolled back and took away what, and why; newest first.')
  .option('--limit <count>', 'how many', '20')
  .option('--after <move>', 'go on after this move: the next page')
  .addOption(json())
  .addHelpText('after', '\nExample:\n  millrace releases history --limit 5')
  .action(async (_options, command) => (await import('./commands/releases.ts')).showHistory(command.optsWithGlobals()))
releases
  .command('register')
  .description('Put what "pulumi up" released last into the history; nothing happens where it is there.')
  .addOption(json())
  .addHelpText('after', '\nExample:\n  pulumi up && millrace releases register')
  .action(async (_options, command) =>
    (await import('./commands/releases.ts')).registerRelease(command.optsWithGlobals()),
  )

program
  .command('rollback')
  .argument('[release]', 'id of the release, the beginning of it, or its last part (default: the one before)')
  .description('Make an earlier release current again: its bundles, schedules, parameters and versions of secrets.')
  .addOption(records())
  .addOption(reason())
  .option('--dry-run', 'only say what would change')
  .addOption(json())
  .addHelpText(
    'after',
    `
Examples:
  millrace rollback --dry-run
  millrace rollback --reason "the new bundle loses rows"
  millrace rollback 1a2b3c4d`,
  )
  .action(async (id, options) => (await import('./commands/rollback.ts')).rollback(id, options))

program
  .command('deploy')
  .argument('[flows...]', 'names of flows; those that differ from what is deployed when left out')
  .description('Bundle flows and deploy them: those of a branch beside the release, those of main as a release.')
  .addOption(records())
  .addOption(
    new Option('--stack <name>', 'the stack; all but dev and local take only what was released')
      .env('MILLRACE_STACK')
      .default('dev'),
  )
  .option('--branch <name>', 'the branch that it is (default: the one that is checked out)')
  .option('--image <image>', 'on a branch: in place of the runtime image, as NAME@sha256:…')
  .addOption(
    new Option('--bundles <url>', 'where the bundles are (default: where the current release has them)').env(
      'MILLRACE_BUNDLES',
    ),
  )
  .addOption(reason())
  .option('--dry-run', 'only say what would change')
  .addOption(json())
  .addHelpText(
    'after',
    `
Examples:
  millrace deploy --dry-run
  millrace deploy hello
  millrace deploy --branch feature/x --image example/runtime@sha256:…
  millrace deploy --stack prod --store gs://example-millrace-prod-releases`,
  )
  .action(async (flows, options) => (await import('./commands/deploy.ts')).deploy(flows, options))

program
  .command('undeploy')
  .argument('[deployment]', 'the one to take away: FLOW@BRANCH')
  .description('Take away what a branch has deployed.')
  .addOption(records())
  .option('--branch <name>', 'take away all of this branch')
  .addOption(reason())
  .addOption(json())
  .addHelpText(
    'after',
    '\nExamples:\n  millrace undeploy hello@feature-x\n  millrace undeploy --branch feature/x --reason "the branch is gone"',
  )
  .action(async (name, options) => (await import('./commands/deploy.ts')).undeploy(name, options))

const secrets = program
  .command('secrets')
  .description('Look at the secrets of a stack, rotate them, check them; a value is never shown.')
  .addOption(
    new Option('--stack <name>', 'the stack: its file is Pulumi.NAME.yaml').env('MILLRACE_STACK').default('dev'),
  )
  .addHelpText(
    'after',
    '\nExamples:\n  millrace secrets\n  millrace secrets rotate webhook-signing-key\n  millrace secrets verify --stack prod',
  )
secrets
  .command('list', { isDefault: true })
  .description('List the secrets of a stack: source, version, who uses them.')
  .addOption(json())
  .addHelpText('after', '\nExamples:\n  millrace secrets\n  millrace secrets list --stack prod --json')
  .action(async (_options, command) => (await import('./commands/secrets.ts')).listSecrets(command.optsWithGlobals()))
secrets
  .command('rotate')
  .argument('<secret>', 'its name in the stack')
  .description('Raise the version of a secret in the file of a stack; the next "pulumi up" does the rest.')
  .option('--version <number>', 'of an external secret: the version at Secret Manager to use from now on')
  .option('--dry-run', 'only say what would change')
  .addOption(json())
  .addHelpText(
    'after',
    `
Examples:
  millrace secrets rotate webhook-signing-key --dry-run
  millrace secrets rotate smtp-password --stack prod
  millrace secrets rotate map-token --version 4`,
  )
  .action(async (name, _options, command) =>
    (await import('./commands/secrets.ts')).rotate(name, command.optsWithGlobals()),
  )
secrets
  .command('verify')
  .description('Check that each secret that is used is declared, and has its value, encrypted.')
  .addOption(json())
  .addHelpText('after', '\nExamples:\n  millrace secrets verify\n  millrace secrets verify --stack prod')
  .action(async (_options, command) => (await import('./commands/secrets.ts')).verifySecrets(command.optsWithGlobals()))

program
  .command('bootstrap')
  .description('Make what must be there before the first "pulumi up": once a project, by a person; safe to repeat.')
  .requiredOption('--project <id>', 'id of the project on Google Cloud')
  .requiredOption('--region <region>', 'where the state and its key are to be')
  .requiredOption('--stack <name>', 'the stack that the project is for')
  .option('--bucket <name>', 'of the state (default: PROJECT-pulumi-state)')
  .option('--dry-run', 'only say what would be done')
  .option('--yes', 'do it without asking')
  .addHelpText(
    'after',
    `
Examples:
  millrace bootstrap --project example-dev --region europe-west1 --stack dev --dry-run
  millrace bootstrap --project example-prod --region europe-west1 --stack prod

It acts as whoever is logged in: gcloud auth application-default login`,
  )
  .action(async (options) => (await import('./commands/bootstrap.ts')).bootstrap(options))

const image = program
  .command('image')
  .description('Make the images that containers run: of the platform, and of flows.')
  .addHelpText('after', '\nExample:\n  millrace image build --local')
image
  .command('build')
  .argument('[images...]', 'runtime, worker, console, flow NAME; all when left out')
  .description('Put together what images are made of, and build those that are not there yet.')
  .option('--local', 'with the Docker of this machine, for this machine')
  .option('--base <image>', 'what they stand on: an image with glibc, libstdc++ and CA certificates')
  .addOption(
    new Option('--platform <platform>', 'what they run on (default: as this machine)').choices([
      'linux/amd64',
      'linux/arm64',
    ]),
  )
  .option('-o, --out <folder>', 'where the folders go that they are built from', 'out/images')
  .option('--assemble-only', 'only make these folders, without Docker')
  .option('--parts', 'list what takes the room')
  .addOption(json())
  .addHelpText(
    'after',
    `
Examples:
  millrace image build --local
  millrace image build --local flow hello worker
  millrace image build --local --assemble-only --parts runtime
  millrace image build --local --base millrace/base:debian-13`,
  )
  .action(async (words, options) => (await import('./commands/image.ts')).buildImages(words, options))

program
  .command('doctor')
  .description('Check that this machine and project have what is needed.')
  .addOption(database())
  .addOption(json())
  .addHelpText('after', '\nExample:\n  millrace doctor')
  .action(async (options) => (await import('./commands/doctor.ts')).doctor(options))

for (const command of [program, ...program.commands.flatMap((each) => [each, ...each.commands])]) command.exitOverride()
// Of the program only, and so after its commands are made: `--version` behind a command is that command's.
program.enablePositionalOptions()

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.completed : EXIT.mistake
  else process.exitCode = report(error)
}
