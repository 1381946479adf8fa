import type { Shape } from './frame.ts'
import type { Output } from './output-writer.ts'
import type { QualifierThresholds } from './params.ts'
import type { QualifierMap } from './qualifiers.ts'

/** What all tasks that make output share. */
export interface Job {
  readonly scratch: string
  readonly output: Output
  readonly shape: Shape
  /** Pieces the input was read in. */
  readonly pieces: number
}

/** The same, once it is known which qualifiers are used. */
export interface OutputJob extends Job {
  /** Qualifiers to split by, for each feature. */
  readonly qualifierMap: QualifierMap
  /** The same for regional time series. */
  readonly regionalQualifierMap: QualifierMap
  /** Numbers of the qualifiers that any feature is split by. */
  readonly keptQualifiers: readonly number[]
  readonly thresholds: QualifierThresholds
}
