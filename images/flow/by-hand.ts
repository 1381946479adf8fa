import { parseArgs } from 'node:util'
import { createRun, importFlow, memoryStore, PostgresStore, type RunStore } from '@millrace/engine'
import { bytes, UserError } from '@millrace/sdk'
import { driveAndShow } from '../../platform/cli/commands/run.ts'
import { report } from '../../platform/cli/exit.ts'
import { gatherParams } from '../../platform/cli/params.ts'
import { bringBundle, ownBundle } from '../runtime/bring-bundle.ts'
import { type Contract, readContract } from '../runtime/contract.ts'
import { HOME } from '../runtime/home.ts'
import { readSecrets } from '../runtime/read-secrets.ts'

const USAGE = `Usage: [run [FLOW]] [options]

Runs the flow of this image, as "millrace run" does where there is its project.

  -p, --param NAME=VALUE    a parameter; may be repeated
  -f, --params-file FILE    a JSON file with parameters ("-" for standard input)
      --env NAME            the environment whose config the flow gets (MILLRACE_ENV; dev)
      --inline              run the tasks in the thread of the flow
      --slots COUNT         tasks at once (MILLRACE_SLOTS; one for each processor)
      --memory SIZE         most memory one task may take, for instance "2 GiB"
  -q, --quiet               no log lines, no progress
      --json                print JSON, for other programs

With MILLRACE_DATABASE the run is kept there, with MILLRACE_WORKERS its tasks run on the workers of that database.
With MILLRACE_RUN, the run of that id is driven, and the log is JSON.
`

/** Runs the flow of the image as a person asks for it. @returns the exit code of `millrace run` */
export async function byHand(args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = readArguments(args)
    if (values.help) {
      process.stdout.write(USAGE)
      return 0
    }
    const contract = readContract(process.env)
    const source = await bringBundle(contract.MILLRACE_BUNDLE ?? ownBundle())
    checkName(positionals, source.flow)
    await readSecrets(contract.MILLRACE_SECRETS)
    const flow = await importFlow(HOME, source)
    const params = await gatherParams(HOME, flow, {
      ...(values.param && { param: values.param }),
      ...(values['params-file'] !== undefined && { paramsFile: values['params-file'] }),
    })
    const { store, executor } = await openRunStore(contract, values.inline ?? false)
    try {
      const env = values.env ?? contract.MILLRACE_ENV
      const created = await createRun({ flow, source, params, env, executor, store })
      const slots = values.slots ?? contract.MILLRACE_SLOTS?.toString()
      return await driveAndShow(created, { flow, source }, store, {
        quiet: values.quiet ?? false,
        json: values.json ?? false,
        ...(slots !== undefined && { slots }),
        ...(values.memory !== undefined && { memory: checked(values.memory) }),
      })
    } finally {
      await store.close()
    }
  } catch (error) {
    return report(error)
  }
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        param: { type: 'string', short: 'p', multiple: true },
        'params-file': { type: 'string', short: 'f' },
        env: { type: 'string' },
        inline: { type: 'boolean' },
        slots: { type: 'string' },
        memory: { type: 'string' },
        quiet: { type: 'boolean', short: 'q' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    const [what = ''] = String(error instanceof Error ? error.message : error).split('. ')
    throw new UserError(what, 'Options: --help')
  }
}

/** `run hello`, `run`, or nothing. */
function checkName([command = 'run', name, ...more]: readonly string[], flow: string): void {
  if (command !== 'run' || more.length > 0) {
    throw new UserError(`expected "run ${flow}" or nothing, and options; got "${command}"`, 'Options: --help')
  }
  if (name !== undefined && name !== flow) throw new UserError(`this image runs the flow ${flow}, not ${name}`)
}

async function openRunStore(
  { MILLRACE_DATABASE: database, MILLRACE_WORKERS: workers }: Contract,
  inline: boolean,
): Promise<{ store: RunStore; executor: 'inline' | 'threads' | 'cluster' }> {
  const executor = inline ? 'inline' : workers === undefined ? 'threads' : 'cluster'
  const address = executor === 'cluster' ? workers : database
  if (address === undefined) return { store: memoryStore(), executor }
  return { store: await PostgresStore.open(address), executor }
}

function checked(memory: string): string {
  bytes(memory, '--memory')
  return memory
}
