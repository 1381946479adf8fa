/** Where a stack is, and what is the same for everything in it. */
export interface Place {
  /** `dev`, `prod`. */
  readonly stack: string
  /** Id of the Google Cloud project; a stack has one to itself. */
  readonly project: string
  /** Number of the project. */
  readonly projectNumber: string
  readonly region: string
  /** Whether what holds data is protected from being destroyed. */
  readonly protect: boolean
}

/** The labels of everything that takes labels: what it costs, and whose it is, can then be told. */
export function labelsOf({ stack }: Pick<Place, 'stack'>, component: string): Record<string, string> {
  return { app: 'millrace', stack, component, 'managed-by': 'pulumi' }
}
