import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'

/** A Pulumi program, and what it is run with. */
export interface Program {
  /** Folder of Pulumi.yaml. */
  readonly root: string
  /** The program's file or folder, from the root: `main` of Pulumi.yaml. */
  readonly main: string
  readonly project: string
  readonly stack: string
  /** Texts by `NAMESPACE:KEY`, as the CLI hands them on. */
  readonly config: Readonly<Record<string, string>>
  readonly secretKeys: readonly string[]
}

/** How a program ended. */
export interface Ended {
  readonly code: number | null
  /** What it printed by itself. */
  readonly out: string
  readonly err: string
}

/** Of the environment a program gets only these: neither credentials nor settings of providers can change a plan. */
const PASSED_ON = ['PATH', 'HOME', 'USERPROFILE', 'SystemRoot', 'TMPDIR', 'TEMP', 'TMP', 'TZ', 'LANG']

/**
 * Runs a program to its end with Pulumi's own runner, as `pulumi preview` does, against the engine at `address`.
 * @param options.isHeard whether what it has to say is sent to the engine: six messages for each resource
 */
export async function runProgram(
  program: Program,
  address: string,
  signal: AbortSignal,
  { isHeard = true } = {},
): Promise<Ended> {
  const { root, project, stack, config, secretKeys } = program
  const main = join(root, program.main)
  const isFolder = statSync(main).isDirectory()
  const folder = isFolder ? main : dirname(main)
  const child = spawn(
    process.execPath,
    [
      ...['--require', join(import.meta.dirname, 'plain-stacks.cjs')],
      createRequire(join(folder, 'package.json')).resolve('@pulumi/pulumi/cmd/run'),
      ...['--monitor', address, ...(isHeard ? ['--engine', address] : []), '--dry-run', '--parallel', '16'],
      ...['--organization', 'organization', '--project', project, '--stack', stack],
      ...['--root-directory', root, '--pwd', folder, isFolder ? '.' : basename(main)],
    ],
    {
      cwd: folder,
      env: {
        ...Object.fromEntries(PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
        PULUMI_CONFIG: JSON.stringify(config),
        PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(secretKeys),
        // The runner and the providers' packages are some thousand files: compiled once is enough.
        NODE_COMPILE_CACHE: join(import.meta.dirname, '../../node_modules/.cache/plan'),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
      // It has nothing to put in order: all it would do is in the engine.
      killSignal: 'SIGKILL',
    },
  )
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const [code] = await once(child, 'close')
  return { code, out, err }
}
