/** Something that is to reach somebody. */
export interface Delivery {
  /** Names it, the same however often it is tried: letters, digits and "-". */
  readonly id: string
  readonly to: string
  /** Name of the secret that signs it. */
  readonly secret?: string | undefined
  readonly event: RunEnded
}

/** A run that is over, as the world outside is told of it. Part of what receivers build on: fields are only added. */
export interface RunEnded {
  /** `test`: somebody tries whether it arrives. */
  readonly type: 'run.ended' | 'test'
  /** When it came about, ISO 8601. */
  readonly timestamp: string
  readonly data: {
    readonly id: string
    readonly flow: string
    readonly name: string
    readonly state: string
    /** Why, in a sentence. */
    readonly message?: string
    readonly deployment?: string
    readonly queue?: string
    readonly labels: readonly string[]
    readonly env: string
    /** How often a driver took it up. */
    readonly attempt: number
    readonly release?: string
    readonly commit?: string
    /** ISO 8601, as all times here. */
    readonly created: string
    readonly started?: string
    readonly ended?: string
  }
}

/** It did not reach whom it was for. */
export class DeliveryError extends Error {
  override name = 'DeliveryError'
  /** Whether it will not arrive later either. */
  readonly isFinal: boolean
  /** How long (ms) the receiver asks to wait. */
  readonly after: number | undefined

  constructor(message: string, options: ErrorOptions & { readonly isFinal?: boolean; readonly after?: number } = {}) {
    super(message, options)
    this.isFinal = options.isFinal ?? false
    this.after = options.after
  }
}

/** Longest text (characters) of a receiver that is kept. */
const MOST_WORDS = 200

/** What a receiver said, for a message: its beginning, on one line. */
export function quote(text: string): string {
  // Control characters may drive a terminal, and Postgres takes no NUL.
  const line = text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .toWellFormed()
  return line.length > MOST_WORDS ? `${line.slice(0, MOST_WORDS - 1).toWellFormed()}…` : line
}
