import type { Plan, PlannedResource } from '../plan/planned-resource.ts'
import { titleOf } from '../plan/title.ts'

/** What is wrong with one property of a resource, and what to do about it. */
export interface Fault {
  /** Where it is: `settings.ipConfiguration.ipv4Enabled`. */
  readonly property: string
  /** Goes on after the property: `is "inherited"`, `is missing`. */
  readonly wrong: string
  /** What to do, as an order: `set it to "enforced"`. */
  readonly fix: string
}

/** A fault of a resource of the plan; of the stack itself where `resource` is left out. */
export interface PlanFault extends Fault {
  readonly resource?: PlannedResource
}

interface Rule {
  /** Also the name of its file in `rules/`. */
  readonly name: string
  /** One sentence: what every stack keeps to. */
  readonly description: string
  /** Why, for the person whose change it stops. */
  readonly reason: string
  /** It looks at which values are marked as secret, so it says nothing where the marks are gone. */
  readonly needsSecretMarks?: true
}

/** A rule that one resource keeps or breaks by itself. */
export interface ResourcePolicy extends Rule {
  readonly resource: (resource: PlannedResource) => Iterable<Fault>
}

/** A rule about how resources fit together. */
export interface PlanPolicy extends Rule {
  readonly plan: (plan: Plan) => Iterable<PlanFault>
}

/** A rule that every stack must keep: a pure function over its plan. An unknown value breaks none unless it says so. */
export type Policy = ResourcePolicy | PlanPolicy

/** A broken rule. */
export interface Violation {
  /** The policy's name. */
  readonly policy: string
  readonly urn: string
  /** One sentence that names the resource, the property and the fix. */
  readonly message: string
}

/** `storage.Bucket results: publicAccessPrevention is "inherited"; set it to "enforced"`. */
export function sentence(resource: PlannedResource, { property, wrong, fix }: Fault): string {
  return `${titleOf(resource)}: ${property} ${wrong}; ${fix}`
}
