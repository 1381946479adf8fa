/** Why there is no plan, in lines for a person: the program ended with an error, or reached for the cloud. */
export class PlanError extends Error {
  override name = 'PlanError'
  /** A mistake in what was asked for or configured; else the program itself is wrong. */
  readonly isMistake: boolean

  constructor(message: string, options: { isMistake: boolean }) {
    super(message)
    this.isMistake = options.isMistake
  }
}
