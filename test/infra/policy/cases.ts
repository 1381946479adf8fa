import type { Plan, PlannedResource } from '../../../infra/plan/planned-resource.ts'

/** A part of a plan; with what the stack exports, where that matters. */
export type Fragment =
  | readonly PlannedResource[]
  | { readonly resources: readonly PlannedResource[]; readonly outputs: Plan['outputs'] }

/** What a policy lets pass and what it stops. */
export interface PolicyCases {
  readonly keeps: readonly (readonly [what: string, fragment: Fragment])[]
  /** The message is the whole of what the user reads. */
  readonly breaks: readonly (readonly [what: string, fragment: Fragment, message: string])[]
}

/** By the policy's name. */
export type Cases = Readonly<Record<string, PolicyCases>>
