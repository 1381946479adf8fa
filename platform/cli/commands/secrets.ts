import {
  findStackFile,
  keptVersions,
  type Rotation,
  readManifests,
  readStackFile,
  rotateSecret,
  type SecretFault,
  type SecretUse,
  secretFaults,
  secretUses,
  stackSecrets,
} from '@millrace/release'
import { UserError } from '@millrace/sdk'
import { EXIT } from '../exit.ts'
import { paint } from '../output/log-line.ts'
import { table } from '../output/table.ts'
import { count, root } from '../project.ts'
import { writeWhole } from '../report/write-file.ts'

interface SecretsOptions {
  readonly stack: string
  readonly json?: boolean
}

/** `millrace secrets` */
export async function listSecrets({ stack, json }: SecretsOptions): Promise<void> {
  const file = readStackFile(root, stack)
  const uses = secretUses(file.config, await manifestsOrNone())
  const secrets = Object.entries(stackSecrets(file)).map(([name, secret]) => ({
    name,
    ...secret,
    kept: keptVersions(secret),
    ...usersOf(name, uses),
  }))
  if (json) process.stdout.write(`${JSON.stringify(secrets, null, 2)}\n`)
  else if (secrets.length === 0) process.stdout.write(`There is no secret in ${file.name}: see millrace:secrets.\n`)
  else {
    const rows = secrets.map(({ name, source, version, kept, flows, consumers }) => [
      name,
      source,
      version,
      kept.join(', '),
      userNames({ flows, consumers }),
    ])
    process.stdout.write(`${table([['SECRET', 'SOURCE', 'VERSION', 'KEPT', 'USED BY'], ...rows])}\n`)
  }
}

/** `millrace secrets rotate SECRET` */
export async function rotate(
  name: string,
  { stack, json, dryRun = false, version }: SecretsOptions & { dryRun?: boolean; version?: string },
): Promise<void> {
  const file = readStackFile(root, stack)
  const rotation = rotateSecret(file, name, version === undefined ? undefined : count(version, '--version'))
  const users = usersOf(name, secretUses(file.config, await manifestsOrNone()))
  if (!dryRun) await writeWhole(file.path, rotation.text, 'secrets rotate')
  if (json) {
    const { text: _text, ...changes } = rotation
    process.stdout.write(`${JSON.stringify({ ...changes, ...users, dryRun }, null, 2)}\n`)
    return
  }
  const { from, to, removedValues } = rotation
  const lines = [
    `${name}: version ${from} -> ${to} in ${file.name}${dryRun ? ' (dry run: nothing written)' : ''}`,
    ...(removedValues.length > 0 ? [`Gone from the file: the value of ${versions(removedValues)}`] : []),
    `The next "pulumi up --stack ${stack}" will:`,
    ...consequences(rotation, users).map((line) => `  ${line}`),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** `millrace secrets verify` */
export async function verifySecrets({ stack, json }: SecretsOptions): Promise<void> {
  const { name } = findStackFile(root, stack)
  const faults: SecretFault[] = []
  const note = (error: unknown): void => {
    if (!(error instanceof UserError)) throw error
    const lines = `${error.message}\n${error.hint ?? ''}`.split('\n').filter(Boolean)
    faults.push(...lines.map((message): SecretFault => ({ level: 'error', message })))
  }
  const manifests = await readManifests(root).catch((error: unknown) => {
    note(error)
    return []
  })
  try {
    faults.push(...secretFaults(readStackFile(root, stack), manifests))
  } catch (error) {
    note(error)
  }
  const ok = faults.every(({ level }) => level === 'warning')
  if (json) process.stdout.write(`${JSON.stringify({ stack, ok, faults }, null, 2)}\n`)
  else {
    const lines = faults.map(
      ({ level, message }) => `${paint(level === 'error' ? 'red' : 'yellow', level)}: ${message}`,
    )
    if (ok) lines.push(`The secrets of ${name} are in order.`)
    process.stdout.write(`${lines.join('\n')}\n`)
  }
  if (!ok) process.exitCode = EXIT.failed
}

/** The manifests of the project's flows; none, and a word about it, where one is wrong: secrets can be seen all the same. */
async function manifestsOrNone(): ReturnType<typeof readManifests> {
  try {
    return await readManifests(root)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    process.stderr.write(`millrace: which flows use a secret is not known: ${error.message}\n`)
    return []
  }
}

interface Users {
  readonly flows: readonly string[]
  readonly consumers: readonly string[]
}

function usersOf(name: string, uses: readonly SecretUse[]): Users {
  const of = (kind: SecretUse['kind']): string[] =>
    uses.filter((use) => use.secret === name && use.kind === kind).map(({ user }) => user)
  return { flows: of('flow'), consumers: of('consumer') }
}

function userNames({ flows, consumers }: Users): string {
  return [...flows.map((flow) => `flow ${flow}`), ...consumers].join(', ')
}

/** What `up` does about a rotation, in the order in which it does it. */
function consequences({ source, from, to, disabled, kept, destroyed }: Rotation, users: Users): string[] {
  const names = userNames(users)
  const added = {
    random: `add version ${to}, a new random value`,
    config: `add version ${to}, with the value that is in the file`,
    external: `read version ${to}, which must be at Secret Manager by then`,
  }[source]
  return [
    added,
    names ? `roll what uses it: ${names}` : 'roll nothing: nothing in this stack uses it',
    ...disabled.map((version) => `disable version ${version}, and keep it`),
    ...(kept.length > 0 ? [`keep ${versions(kept)}, disabled before`] : []),
    ...(destroyed.length > 0 ? [`destroy ${versions(destroyed)}`] : []),
    ...(source === 'external' ? [`leave version ${from} as it is: whoever adds versions disables them`] : []),
  ]
}

function versions(numbers: readonly number[]): string {
  return `${numbers.length === 1 ? 'version' : 'versions'} ${numbers.join(', ')}`
}
