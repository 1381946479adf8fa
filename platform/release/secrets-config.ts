import { z } from 'zod'
import { secretName } from './secret-name.ts'

const fields = {
  /** Raised by a rotation; what uses the secret names the version, and so is rolled. */
  version: z.int().min(1).default(1),
  /** Older versions that stay, disabled, to go back to. */
  keep: z.int().min(0).default(1),
  description: z.string().optional(),
}

/**
 * The secrets of a stack, by name. Where a value comes from:
 * `config` an encrypted value in the stack's file, `random` made by `up`, `external` put into Secret Manager by others.
 */
export const secretsConfig = z.record(
  secretName,
  z.discriminatedUnion('source', [
    z.strictObject({ source: z.literal('config'), ...fields }),
    z.strictObject({ source: z.literal('random'), ...fields, length: z.int().min(8).max(1000).default(32) }),
    z.strictObject({ source: z.literal('external'), ...fields }),
  ]),
)

export type SecretsConfig = z.output<typeof secretsConfig>
export type SecretConfig = SecretsConfig[string]

/** Older versions of a secret that stay, disabled; newest first. Those of an external one are for others to disable. */
export function keptVersions({ source, version, keep }: Pick<SecretConfig, 'source' | 'version' | 'keep'>): number[] {
  if (source === 'external') return []
  return Array.from({ length: Math.min(keep, version - 1) }, (_, i) => version - 1 - i)
}
