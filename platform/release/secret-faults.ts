import { nearest } from '@millrace/sdk'
import type { FlowManifest } from './manifest.ts'
import { secretUses } from './secret-uses.ts'
import { secretValueFaults, setValueCommand, type VersionsWithValues, versionKey } from './secret-values.ts'
import { keptVersions, type SecretsConfig } from './secrets-config.ts'
import { isRecord, type StackFile } from './stack-file.ts'
import { encryptedValue, readSecrets, storedValues } from './stack-secrets.ts'

export interface SecretFault {
  /** A warning tells of what is of no use; the stack works all the same. */
  readonly level: 'error' | 'warning'
  readonly message: string
}

/** What is wrong with the secrets of a stack. No message shows a value. */
export function secretFaults(file: StackFile, manifests: readonly FlowManifest[]): readonly SecretFault[] {
  const { secrets, faults } = readSecrets(file)
  const declared = Object.keys(isRecord(file.config.secrets) ? file.config.secrets : {})
  const values = storedValues(file)
  const errors = [
    ...faults,
    ...storageFaults(file, values),
    ...valueFaults(file, declared, secrets, values),
    ...undeclared(file, declared, manifests),
  ]
  const warnings = [...unused(file, secrets, manifests), ...useless(secrets, values, file.stack)]
  return [
    ...errors.map((message): SecretFault => ({ level: 'error', message })),
    ...warnings.map((message): SecretFault => ({ level: 'warning', message })),
  ]
}

/** Where the declaration of a secret, or the place of its values, is the fault, what follows from it is none. */
function valueFaults(
  { config, stack }: StackFile,
  declared: readonly string[],
  secrets: SecretsConfig,
  values: VersionsWithValues,
): string[] {
  const { secretValues = {} } = config
  if (!isByName(secretValues)) return []
  const placedWell = (name: string): boolean => !Object.hasOwn(secretValues, name) || Object.hasOwn(values, name)
  const declaredWell = (name: string): boolean => !declared.includes(name) || Object.hasOwn(secrets, name)
  return secretValueFaults(
    Object.fromEntries(Object.entries(secrets).filter(([name]) => placedWell(name))),
    Object.fromEntries(Object.entries(values).filter(([name]) => declaredWell(name))),
    stack,
  )
}

/** Values that are not kept as they must be: by name and version, encrypted. */
function storageFaults({ config, stack }: StackFile, values: VersionsWithValues): string[] {
  const { secretValues = {} } = config
  if (!isByName(secretValues)) {
    return [
      `millrace:secretValues: expected names, each with its versions; set one with ${setValueCommand('NAME', 1, stack)}`,
    ]
  }
  return Object.keys(secretValues).flatMap((name) => {
    const at = `millrace:secretValues.${name}`
    const versions = values[name]
    if (!versions) {
      return [`${at}: expected versions, each with its value; set one with ${setValueCommand(name, 1, stack)}`]
    }
    return Object.entries(versions).flatMap(([version, value]) => {
      if (!versionKey.safeParse(version).success)
        return [`${at}.${version}: a version is a whole number from 1, as text: "2"`]
      if (encryptedValue.safeParse(value).success) return []
      const fix = setValueCommand(name, Number(version), stack)
      return [
        `${at}.${version}: is not encrypted, so whoever reads the file knows it; choose another value, and set it with ${fix}`,
      ]
    })
  })
}

/** Names with their versions; not one value for all. */
function isByName(values: unknown): values is Readonly<Record<string, unknown>> {
  return isRecord(values) && !encryptedValue.safeParse(values).success
}

function undeclared(file: StackFile, declared: readonly string[], manifests: readonly FlowManifest[]): string[] {
  return secretUses(file.config, manifests)
    .filter(({ secret }) => !declared.includes(secret))
    .map(({ secret, at }) => {
      const near = nearest(secret, declared)
      const meant = near ? `; did you mean "${near}"?` : ''
      return `${at}: there is no secret "${secret}" in millrace:secrets of ${file.name}${meant}`
    })
}

function unused(file: StackFile, secrets: SecretsConfig, manifests: readonly FlowManifest[]): string[] {
  const used = new Set(secretUses(file.config, manifests).map(({ secret }) => secret))
  return Object.keys(secrets)
    .filter((name) => !used.has(name))
    .map((name) => `millrace:secrets.${name}: nothing in this stack uses it`)
}

/** Values of versions that are no more, or not yet. */
function useless(secrets: SecretsConfig, values: VersionsWithValues, stack: string): string[] {
  return Object.entries(secrets).flatMap(([name, secret]) => {
    const oldest = Math.min(secret.version, ...keptVersions(secret))
    return Object.keys(secret.source === 'config' ? (values[name] ?? {}) : {}).flatMap((version) => {
      const at = `millrace:secretValues.${name}.${version}`
      if (Number(version) < oldest) return [`${at}: versions before ${oldest} are not kept; remove the value`]
      if (Number(version) <= secret.version) return []
      return [
        `${at}: the version is ${secret.version}; to use this one: millrace secrets rotate ${name} --stack ${stack}`,
      ]
    })
  })
}
