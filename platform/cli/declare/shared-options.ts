import type { Option } from 'commander'

/** Options that many commands have, each made anew for each command. */
export interface SharedOptions {
  readonly database: () => Option
  readonly json: () => Option
  /** Where releases are recorded. */
  readonly records: () => Option
}

/** Collects an option that may be given several times. */
export const several = (value: string, before: string[] = []): string[] => [...before, value]

/** Reads a list with commas. */
export const list = (value: string): string[] =>
  value
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean)
