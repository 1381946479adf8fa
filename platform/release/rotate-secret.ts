import { nearest, UserError } from '@millrace/sdk'
import { removeKey, setNumber } from './edit-yaml.ts'
import { setValueCommand } from './secret-values.ts'
import { keptVersions, type SecretConfig } from './secrets-config.ts'
import type { StackFile } from './stack-file.ts'
import { encryptedValue, stackSecrets, storedValues } from './stack-secrets.ts'

/** What raising the version of a secret changes. */
export interface Rotation {
  readonly secret: string
  readonly stack: string
  readonly source: SecretConfig['source']
  readonly from: number
  readonly to: number
  /** Versions that the next `up` disables, and keeps. */
  readonly disabled: readonly number[]
  /** Disabled versions that stay so. */
  readonly kept: readonly number[]
  /** Versions that the next `up` destroys, for good. */
  readonly destroyed: readonly number[]
  /** Versions whose value goes from the stack's file. */
  readonly removedValues: readonly number[]
  /** The stack's file with the change made. */
  readonly text: string
}

/**
 * Raises the version of a secret in a stack's file; nothing is written.
 * @param version of an external secret, the one to use from now on
 * @throws UserError when there is no such secret, or the new version has no value yet
 */
export function rotateSecret(file: StackFile, name: string, version?: number): Rotation {
  const secret = findSecret(file, name)
  const from = secret.version
  const to = nextVersion(file, name, secret, version)
  const before = [from, ...keptVersions(secret)]
  const kept = keptVersions({ ...secret, version: to })
  const oldest = Math.min(to, ...kept)
  const stored = Object.keys(storedValues(file)[name] ?? {}).map(Number)
  const removedValues = secret.source === 'config' ? stored.filter((each) => each < oldest).sort((a, b) => a - b) : []
  return {
    secret: name,
    stack: file.stack,
    source: secret.source,
    from,
    to,
    disabled: kept.filter((each) => each === from),
    kept: kept.filter((each) => each !== from),
    destroyed: secret.source === 'external' ? [] : before.filter((each) => !kept.includes(each)),
    removedValues,
    text: changedText(file, name, to, removedValues),
  }
}

function findSecret(file: StackFile, name: string): SecretConfig {
  const secrets = stackSecrets(file)
  const secret = Object.hasOwn(secrets, name) ? secrets[name] : undefined
  if (secret) return secret
  const names = Object.keys(secrets)
  const near = nearest(name, names)
  throw new UserError(
    `${file.name}: there is no secret "${name}" in millrace:secrets${near ? `; did you mean "${near}"?` : ''}`,
    names.length > 0 ? `It has: ${names.join(', ')}.` : 'It has none.',
  )
}

function nextVersion(file: StackFile, name: string, { source, version }: SecretConfig, asked?: number): number {
  if (source === 'external') {
    if (asked === undefined) {
      throw new UserError(
        `secret ${name} is external, its values come from outside: add a version at Secret Manager, then say which`,
        [
          `gcloud secrets versions add ${name} --data-file=-`,
          `millrace secrets rotate ${name} --stack ${file.stack} --version N`,
        ].join('\n'),
      )
    }
    if (asked > version) return asked
    throw new UserError(`secret ${name}: --version must be more than ${version}, the version now, got ${asked}`)
  }
  const next = version + 1
  if (asked !== undefined && asked !== next) {
    throw new UserError(`secret ${name}: the version after ${version} is ${next}; leave --version out`)
  }
  if (source === 'config' && !encryptedValue.safeParse(storedValues(file)[name]?.[String(next)]).success) {
    throw new UserError(
      `secret ${name}: version ${next} has no encrypted value in ${file.name} yet; set it, then rotate`,
      setValueCommand(name, next, file.stack),
    )
  }
  return next
}

function changedText(file: StackFile, name: string, version: number, removed: readonly number[]): string {
  const start = setNumber(file.text, ['config', 'millrace:secrets', name], 'version', version)
  const changed = removed.reduce<string | undefined>(
    (text, each) => text && removeKey(text, ['config', 'millrace:secretValues', name], String(each)),
    start,
  )
  if (changed !== undefined) return changed
  // An alias, or a merged map: to change it here may change it elsewhere.
  throw new UserError(`${file.name}: secret ${name} is not written as a plain map; change its version by hand`)
}
