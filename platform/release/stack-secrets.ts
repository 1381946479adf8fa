import { describeIssues, UserError } from '@millrace/sdk'
import { z } from 'zod'
import { type SecretsConfig, secretsConfig } from './secrets-config.ts'
import { isRecord, type StackFile } from './stack-file.ts'

/**
 * The secrets that a stack declares, with defaults filled in.
 * @throws UserError naming the first that is declared wrongly; its hint names the others
 */
export function stackSecrets(file: StackFile): SecretsConfig {
  const { secrets, faults } = readSecrets(file)
  const [first, ...others] = faults
  if (first !== undefined) throw new UserError(`${file.name}: ${first}`, others.join('\n') || undefined)
  return secrets
}

/** The secrets of a stack that are declared well, and what is wrong with the others. */
export function readSecrets({ config }: StackFile): { readonly secrets: SecretsConfig; readonly faults: string[] } {
  const declared = config.secrets ?? {}
  const result = secretsConfig.safeParse(declared)
  if (result.success) return { secrets: result.data, faults: [] }
  const where = (path: string): string => `millrace:secrets${path ? `.${path}` : ''}`
  const faults = describeIssues(secretsConfig, declared, result.error.issues, where)
  const well = Object.entries(isRecord(declared) ? declared : {}).flatMap(([name, secret]) => {
    const one = secretsConfig.safeParse({ [name]: secret })
    return one.success ? Object.entries(one.data) : []
  })
  return { secrets: Object.fromEntries(well), faults }
}

/** A value as it is kept in a stack's file. */
export const encryptedValue = z.strictObject({ secure: z.string().min(1) })

/**
 * What a stack's file has for the versions of its secrets, encrypted or not. Without what is not written by version: a
 * value that stands where the versions should.
 */
export function storedValues({ config }: StackFile): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  const { secretValues } = config
  return Object.fromEntries(
    Object.entries(isRecord(secretValues) ? secretValues : {}).flatMap(([name, versions]) =>
      isRecord(versions) && !encryptedValue.safeParse(versions).success ? [[name, versions]] : [],
    ),
  )
}
