/** Something to do. */
export interface Step {
  /** A sentence begun, as a person is told before it is done: `make the bucket gs://…`. */
  readonly what: string
  /** Does it; what was done meanwhile by somebody else is no error. @throws UserError */
  run(): Promise<void>
}

/** What a look at the project found: what is there as it should be, and what is to be done. */
export interface Look {
  readonly there: readonly string[]
  readonly steps: readonly Step[]
}
