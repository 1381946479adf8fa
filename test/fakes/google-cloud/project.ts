/** One project of Google Cloud, as it is when a test begins. */
export interface ProjectOptions {
  readonly project: string
  readonly number?: string
  /** APIs that are on, in full. @default those that a new project has, as far as they matter */
  readonly on?: readonly string[]
  /** Permissions that who asks does not have. */
  readonly denied?: readonly string[]
  /** The project has no billing account, which is said at once, or as the end of an operation. */
  readonly withoutBilling?: 'at once' | 'in the end'
  /** How often an API does not answer after it was switched on. @default 0 */
  readonly apiAnswersAfter?: number
  /** How often an operation is asked for until it is done. @default 1 */
  readonly operationTakes?: number
  /** How often an account that was just made is not known where a policy names it. @default 0 */
  readonly accountKnownAfter?: number
}

/** Bindings of roles, and the mark by which a change is known. */
export interface Policy {
  readonly etag: string
  readonly bindings: readonly Binding[]
}

export interface Binding {
  readonly role: string
  readonly members: readonly string[]
  readonly condition?: object
}

/** What is in the project. */
export class Project {
  readonly id: string
  readonly number: string
  readonly options: ProjectOptions
  readonly on: Set<string>
  readonly buckets = new Map<string, Record<string, unknown>>()
  /** Buckets of other projects that who asks may use. */
  readonly shared = new Set<string>()
  readonly keyRings = new Set<string>()
  readonly keys = new Map<string, Record<string, unknown>>()
  readonly accounts = new Map<string, Record<string, unknown>>()
  readonly policies = new Map<string, Policy>()
  /** How often an account is still not known. */
  readonly unknown = new Map<string, number>()
  /** Somebody else changes the policies of these between the next reading and writing. */
  readonly contended = new Set<string>()

  constructor(options: ProjectOptions) {
    this.options = options
    this.id = options.project
    this.number = options.number ?? '123456789012'
    this.on = new Set(options.on ?? ['serviceusage.googleapis.com', 'storage.googleapis.com'])
  }

  lacks(permission: string): boolean {
    return this.options.denied?.includes(permission) ?? false
  }

  /** The policy of a thing, as it is read. */
  policyOf(name: string): Policy {
    const policy = this.policies.get(name) ?? { etag: 'e0', bindings: [] }
    if (this.contended.delete(name)) {
      const other = { role: 'roles/viewer', members: ['user:grace@example.org'] }
      this.policies.set(name, { etag: after(policy), bindings: [...policy.bindings, other] })
    }
    return policy
  }

  /** @returns what is wrong with a policy that is to be written, or nothing when it was */
  setPolicy(name: string, policy: Partial<Policy>): 'conflict' | { unknownAccount: string } | undefined {
    const before = this.policies.get(name) ?? { etag: 'e0', bindings: [] }
    if (policy.etag !== before.etag) return 'conflict'
    const bindings = policy.bindings ?? []
    for (const member of bindings.flatMap(({ members }) => members)) {
      const [kind, email = ''] = member.split(':')
      const left = this.unknown.get(email) ?? 0
      if (kind !== 'serviceAccount' || (this.accounts.has(email) && left === 0)) continue
      this.unknown.set(email, left - 1)
      return { unknownAccount: email }
    }
    this.policies.set(name, { etag: after(before), bindings })
    return undefined
  }
}

const after = ({ etag }: Policy): string => `e${Number(etag.slice(1)) + 1}`
