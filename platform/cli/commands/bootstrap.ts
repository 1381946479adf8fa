import { createInterface } from 'node:readline/promises'
import {
  applicationDefault,
  type BootstrapPlace,
  backendUrl,
  checkPlace,
  type Google,
  google,
  type Look,
  nextCommands,
  planBootstrap,
  stateBucket,
} from '@millrace/release/bootstrap'
import { CancelledError, UserError } from '@millrace/sdk'
import { paint } from '../output/log-line.ts'

interface BootstrapOptions {
  readonly project: string
  readonly region: string
  readonly stack: string
  readonly bucket?: string
  readonly dryRun?: boolean
  readonly yes?: boolean
}

/** Where the command talks to a person. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly output: NodeJS.WritableStream
}

/** `millrace bootstrap` */
export async function bootstrap(
  options: BootstrapOptions,
  terminal: Terminal = { input: process.stdin, output: process.stdout },
): Promise<void> {
  const { project, region, stack, bucket = stateBucket(project), dryRun = false, yes = false } = options
  const place = checkPlace({ project, region, stack, bucket })
  const say = (line = ''): void => void terminal.output.write(`${line}\n`)
  const look = await planBootstrap(connect(place), place)
  for (const line of plan(place, look)) say(line)
  if (dryRun) return say('Dry run: nothing was done.')
  if (!yes) await ask(terminal)
  await act(look, say)
  say()
  for (const line of next(place)) say(line)
}

/** `MILLRACE_GOOGLE_ENDPOINT=http://host:port` stands for Google Cloud, and is asked without credentials. */
function connect({ project }: BootstrapPlace): Google {
  const endpoint = process.env.MILLRACE_GOOGLE_ENDPOINT
  const credentials = endpoint === undefined ? applicationDefault(project) : async () => new Headers()
  return google({ project, credentials, endpoint })
}

function plan({ stack, project, region }: BootstrapPlace, { there, steps }: Look): string[] {
  return [
    `The stack ${stack}, in the project ${project}, region ${region}.`,
    '',
    ...(there.length > 0 ? ['There already:', ...there.map((each) => `  ${each}`), ''] : []),
    'To do:',
    ...steps.map(({ what }, index) => `  ${index + 1}. ${what}`),
    '',
  ]
}

/** @throws CancelledError on any answer but yes; UserError where nobody can be asked */
async function ask({ input, output }: Terminal): Promise<void> {
  if (!input.isTTY) {
    throw new UserError(
      'bootstrap asks before it does anything, and there is nobody here to ask',
      'Add --yes to do it without asking, or --dry-run to only look.',
    )
  }
  const lines = createInterface({ input, output })
  const interrupted = new Promise<string>((resolve) => lines.once('close', () => resolve('')))
  try {
    const answer = await Promise.race([lines.question('Do this? [y/N] '), interrupted])
    if (!/^y(es)?$/i.test(answer.trim())) throw new CancelledError('nothing was done')
  } finally {
    lines.close()
  }
}

async function act({ steps }: Look, say: (line: string) => void): Promise<void> {
  for (const [index, { what, run }] of steps.entries()) {
    try {
      await run()
    } catch (error) {
      if (index === 0 || !(error instanceof UserError)) throw error
      const hint = `${error.hint ? `${error.hint}\n` : ''}What was done before it stays; run this again afterwards.`
      throw new UserError(error.message, hint)
    }
    say(`${paint('green', 'ok')}  ${what}`)
  }
}

function next(place: BootstrapPlace): string[] {
  return [
    'Go on with docs/first-deployment.md:',
    ...nextCommands(place).map((command) => `  ${command}`),
    `Workflows on GitHub need the variable PULUMI_BACKEND_URL: ${backendUrl(place)}`,
  ]
}
