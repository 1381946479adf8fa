import { z } from 'zod'
import { secretName } from './secret-name.ts'
import { keptVersions, type SecretsConfig } from './secrets-config.ts'

/** A version as the key of its value. */
export const versionKey = z.string().regex(/^[1-9]\d*$/, 'a version is a whole number from 1, as text: "2"')

/** The values of the secrets whose source is `config`, by name and version. Marked, so that no error shows one. */
export const secretValues = z
  .record(secretName, z.record(versionKey, z.string().min(1, 'must not be empty')))
  .meta({ writeOnly: true })

export type SecretValues = z.output<typeof secretValues>

/** Which versions have a value, by secret; what the value is plays no part. */
export type VersionsWithValues = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/**
 * What does not fit between the secrets of a stack and the values in its config, a line each. The current version needs
 * a value, and so does every older one that is kept: without it the next `up` would destroy that version.
 * @param stack for the command that sets a value
 */
export function secretValueFaults(secrets: SecretsConfig, values: VersionsWithValues, stack: string): string[] {
  return [...strayValues(secrets, values), ...missingValues(secrets, values, stack)]
}

function strayValues(secrets: SecretsConfig, values: VersionsWithValues): string[] {
  return Object.keys(values).flatMap((name) => {
    const secret = Object.hasOwn(secrets, name) ? secrets[name] : undefined
    if (secret?.source === 'config') return []
    const why = secret ? `the source of ${name} is ${secret.source}` : `there is no secret ${name} in millrace:secrets`
    return [`millrace:secretValues.${name}: ${why}; remove the value, or give the secret "source: config"`]
  })
}

function missingValues(secrets: SecretsConfig, values: VersionsWithValues, stack: string): string[] {
  return Object.entries(secrets).flatMap(([name, secret]) => {
    if (secret.source !== 'config') return []
    return [secret.version, ...keptVersions(secret)]
      .filter((version) => !Object.hasOwn(values[name] ?? {}, String(version)))
      .map((version) => {
        const [kept, orKeep] =
          version === secret.version ? ['', ''] : [`, which "keep: ${secret.keep}" keeps,`, ', or lower keep']
        const fix = `set it with ${setValueCommand(name, version, stack)}`
        return `millrace:secrets.${name}: version ${version}${kept} has no value; ${fix}${orKeep}`
      })
  })
}

/** The command that puts a value into a stack's file, encrypted. */
export function setValueCommand(name: string, version: number, stack: string): string {
  return `pulumi config set --secret --path 'millrace:secretValues["${name}"]["${version}"]' --stack ${stack}`
}
