import { namesakes } from './check/names.ts'
import { references } from './check/references.ts'
import { plainSecrets } from './check/secrets.ts'
import { structure } from './check/structure.ts'
import type { Plan } from './planned-resource.ts'

/** Something wrong with one resource of a plan. */
export interface Fault {
  readonly urn: string
  /** What is wrong and how it is mended, without the resource's name. */
  readonly message: string
}

/**
 * What no plan may have, whatever the stack: what the engine, or the cloud, would refuse halfway through an `up`, and
 * secrets in plain text.
 * @param secretTexts texts that stand for the stack's encrypted values
 */
export function faults(plan: Plan, secretTexts: readonly string[]): Fault[] {
  return [...structure(plan), ...plainSecrets(plan, secretTexts), ...references(plan), ...namesakes(plan)]
}
