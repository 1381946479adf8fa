import { join } from 'node:path'
import { parseArgs, styleText } from 'node:util'
import { stackNames } from '@millrace/release'
import { faults } from './check.ts'
import { difference } from './difference.ts'
import { mermaid } from './graph.ts'
import { inventory } from './inventory.ts'
import { PlanError } from './plan-error.ts'
import type { Plan } from './planned-resource.ts'
import { planProgram } from './run.ts'
import { planAt } from './since.ts'
import { readStack } from './stack-file.ts'
import { differenceText } from './text/difference.ts'
import { type Paint, plain } from './text/paint.ts'
import { planText } from './text.ts'
import { titleOf } from './title.ts'

const EXIT = { ok: 0, faulty: 1, mistake: 2, interrupted: 130 } as const

const HELP = `npm run plan -- STACK [options]

What the Pulumi program would make for a stack, worked out here: no account, no network, no Pulumi CLI.

Options:
  --since REF    only what changed since a commit, tag or branch
  --json         as JSON, for other programs
  --graph        the components as a Mermaid flowchart
  --inventory    a line for each resource, as kept in test/infra/inventory/
  -h, --help     this text

Examples:
  npm run plan -- dev                         resources, who may do what, what is always on, outputs
  npm run plan -- prod --since HEAD~1         what the last commit changes in prod
  npm run -s plan -- prod --json | jq '.resources[].urn'
  npm run -s plan -- prod --graph > platform.mmd

Exit codes: 0 fine, 1 the plan has faults or breaks a policy, 2 a mistake in what was asked for or in the config.
`

/**
 * The command line of the plan.
 * @param root folder of Pulumi.yaml
 * @returns the exit code
 */
export async function command(args: readonly string[], root = join(import.meta.dirname, '../..')): Promise<number> {
  const interrupted = new AbortController()
  // A terminal and npm may both pass Ctrl-C on; the second must not cut the tidying up short.
  const stop = (): void => interrupted.abort()
  process.on('SIGINT', stop).on('SIGTERM', stop)
  try {
    return await answer(args, root, interrupted.signal)
  } catch (error) {
    if (interrupted.signal.aborted) return EXIT.interrupted
    if (!(error instanceof PlanError)) throw error
    process.stderr.write(`plan: ${error.message}\n`)
    return error.isMistake ? EXIT.mistake : EXIT.faulty
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}

async function answer(args: readonly string[], root: string, signal: AbortSignal): Promise<number> {
  const options = parse(args, root)
  if (options === 'help') {
    process.stdout.write(HELP)
    return EXIT.ok
  }
  const program = readStack(root, options.stack)
  const [plan, before, { violations }] = await Promise.all([
    planProgram(program, { signal }),
    options.since === undefined ? undefined : planAt(root, options.since, options.stack, signal),
    // Some dozen files, read while the program runs.
    import('../policy/index.ts'),
  ])
  const broken = violations(plan).map(({ policy, message }) => `${message} [${policy}]`)
  const wrong = [...faultLines(plan, program.secretTexts), ...broken]
  const changes = before && difference(before.plan, plan)
  if (options.format === 'json') print(`${JSON.stringify(changes ?? plan, null, 2)}\n`)
  else if (options.format === 'graph') print(mermaid(plan))
  else if (options.format === 'inventory') print(inventory(plan))
  else if (changes) print(differenceText(plan.stack, `${options.since} (${before.commit.slice(0, 7)})`, changes, paint))
  else print(planText(plan, paint))
  if (wrong.length === 0) return EXIT.ok
  process.stderr.write(`plan: ${plan.stack} is not in order:\n${wrong.map((line) => `  ${line}\n`).join('')}`)
  return EXIT.faulty
}

interface Options {
  readonly stack: string
  readonly since: string | undefined
  readonly format: 'text' | 'json' | 'graph' | 'inventory'
}

function parse(args: readonly string[], root: string): Options | 'help' {
  const { values, positionals } = readArgs(args)
  if (values.help) return 'help'
  const [stack, ...more] = positionals
  if (stack === undefined || more.length > 0) {
    throw mistake(`say which stack: ${stackNames(root).join(' or ') || 'there is none yet'} (--help for the options)`)
  }
  const formats = (['json', 'graph', 'inventory'] as const).filter((format) => values[format])
  if (formats.length > 1) throw mistake(`--${formats.join(' and --')} are two ways to print one thing; choose one`)
  const [format = 'text'] = formats
  if (values.since !== undefined && (format === 'graph' || format === 'inventory')) {
    throw mistake(`--since tells what changed, which --${format} cannot show; leave one of them out`)
  }
  return { stack, since: values.since, format }
}

function readArgs(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        since: { type: 'string' },
        json: { type: 'boolean' },
        graph: { type: 'boolean' },
        inventory: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    const [sentence] = (error instanceof Error ? error.message : String(error)).split('. ')
    throw mistake(`${sentence} (--help for the options)`)
  }
}

/** A line for each thing that is wrong: `storage.Bucket results (infra/components/buckets.ts:12): …` */
function faultLines(plan: Plan, secretTexts: readonly string[]): string[] {
  const byUrn = new Map(plan.resources.map((each) => [each.urn, each]))
  return faults(plan, secretTexts).map(({ urn, message }) => {
    const resource = byUrn.get(urn)
    const where = resource?.source === undefined ? '' : ` (${resource.source})`
    return `${resource ? titleOf(resource) : urn}${where}: ${message}`
  })
}

const mistake = (message: string): PlanError => new PlanError(message, { isMistake: true })

const print = (text: string): void => {
  process.stdout.write(text)
}

/** Colour and weight only where somebody looks: on a terminal, and not when NO_COLOR is set. */
const paint: Paint = process.stdout.isTTY ? (style, text) => styleText(style, text) : plain
