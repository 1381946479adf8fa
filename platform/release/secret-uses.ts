import type { FlowManifest } from './manifest.ts'
import { isRecord } from './stack-file.ts'

/** One use of a secret in a stack. */
export interface SecretUse {
  readonly secret: string
  readonly kind: 'flow' | 'consumer'
  /** The flow's name, or the key of the stack's config: `agents.cloud-run`. */
  readonly user: string
  /** Where it is written down. */
  readonly at: string
}

/**
 * Who uses which secret in a stack: the flows that the stack deploys, and what its config gives a list `secrets`.
 * @param config the stack's config, by key without `millrace:`
 */
export function secretUses(
  config: Readonly<Record<string, unknown>>,
  manifests: readonly FlowManifest[],
): readonly SecretUse[] {
  const deployed = recordAt(config, 'flows')
  return [
    ...manifests
      .filter(({ name }) => Object.hasOwn(deployed, name))
      .flatMap(({ name, secrets }) =>
        secrets.map((secret): SecretUse => ({ secret, kind: 'flow', user: name, at: `flows/${name}/flow.ts` })),
      ),
    ...['agents', 'workerClusters'].flatMap((key) =>
      Object.entries(recordAt(config, key)).flatMap(([name, settings]) => usesOf(`${key}.${name}`, settings)),
    ),
    ...usesOf('console', config.console),
  ]
}

function usesOf(user: string, settings: unknown): SecretUse[] {
  if (!isRecord(settings) || !Array.isArray(settings.secrets)) return []
  return settings.secrets
    .filter((secret) => typeof secret === 'string')
    .map((secret) => ({ secret, kind: 'consumer', user, at: `millrace:${user}.secrets` }))
}

/** Nothing where something else stands: what is wrong with it is not the secrets' matter. */
function recordAt(config: Readonly<Record<string, unknown>>, key: string): Readonly<Record<string, unknown>> {
  const value = config[key]
  return isRecord(value) ? value : {}
}
