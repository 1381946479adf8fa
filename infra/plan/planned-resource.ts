/** What stands for a value that is known only once a resource exists. */
export class Unknown {
  /** For instance `database.privateIpAddress`, `database.?`, or `?` where its origin cannot be told. */
  readonly of: string
  /** What it will look like, where it is part of a longer text: `postgres://<database.privateIpAddress>:5432`. */
  readonly #text: string | undefined

  constructor(of = '?', text?: string) {
    this.of = of
    this.#text = text
  }

  toString(): string {
    return this.#text ?? `<${this.of}>`
  }

  toJSON(): string {
    return this.toString()
  }
}

/** A value that the program marked as secret; what it is stays out of the plan. */
export class SecretValue {
  toString(): string {
    return '<secret>'
  }

  toJSON(): string {
    return this.toString()
  }
}

/** A value as it stands in a plan. */
export type Planned =
  | null
  | boolean
  | number
  | string
  | Unknown
  | SecretValue
  | readonly Planned[]
  | { readonly [key: string]: Planned }

/** Whether it has fields: not a list, not unknown, not secret. */
export function isRecord(value: Planned | undefined): value is { readonly [key: string]: Planned } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Unknown) &&
    !(value instanceof SecretValue)
  )
}

/** One resource that the program registered, and how. */
export interface PlannedResource {
  /** `urn:pulumi:STACK::millrace::PARENT-TYPE$TYPE::NAME`, as the real engine makes them. */
  readonly urn: string
  /** For instance `gcp:storage/bucket:Bucket`; `millrace:…` for components. */
  readonly type: string
  readonly name: string
  /** False for components. */
  readonly custom: boolean
  /** True for one that is only looked up (`Bucket.get`), not made. */
  readonly existing: boolean
  /** URN; undefined for the stack itself. */
  readonly parent: string | undefined
  /** URN and id (`urn::id`) of an explicit provider, with `?` for an id that is not known; undefined for a default one. */
  readonly provider: string | undefined
  /** URNs that must exist before it: by its inputs, and by `dependsOn`. */
  readonly dependencies: readonly string[]
  /** URNs that each input takes something from. */
  readonly propertyDependencies: Readonly<Record<string, readonly string[]>>
  /** What its values will be, as far as that can be known now. */
  readonly inputs: Readonly<Record<string, Planned>>
  /** What its provider will answer, where that can be told before it exists: `id`, `email`, `selfLink` … */
  readonly known: Readonly<Record<string, string>>
  /** What a component registered as its outputs. */
  readonly outputs: Readonly<Record<string, Planned>>
  readonly protect: boolean
  readonly ignoreChanges: readonly string[]
  readonly retainOnDelete: boolean
  readonly deleteBeforeReplace: boolean
  /** Where it is declared: `infra/components/database.ts:41`; undefined where that is not known. */
  readonly source: string | undefined
}

/** The whole plan of one stack. */
export interface Plan {
  readonly stack: string
  readonly project: string
  /** The stack itself, then each resource after its parent; sisters in the order in which the program declares them. */
  readonly resources: readonly PlannedResource[]
  /** What the program exports. */
  readonly outputs: Readonly<Record<string, Planned>>
  /** Warnings of the program and its libraries. */
  readonly warnings: readonly string[]
}
