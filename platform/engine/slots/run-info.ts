import type { RunInfo } from '@millrace/sdk'
import { decode, encode } from '../values/codec.ts'
import type { RunFacts } from './call.ts'

/** What a flow was given for a run: parameters checked and with defaults, and the config of its environment. */
export interface Given {
  readonly params: unknown
  readonly config: unknown
}

/** @throws UserError when a part of it is not data */
export function encodeGiven(flow: string, given: Given): Uint8Array {
  return encode(given, `flow ${flow}: its parameters or config`)
}

/** The run as one call sees it: with parameters and config that no other call can change, read when first asked for. */
export function runInfoOf({ given: bytes, ...facts }: RunFacts): RunInfo {
  let known: Given | undefined
  const given = (): Given => {
    known ??= decode(bytes) as Given
    return known
  }
  return {
    ...facts,
    get params() {
      return given().params
    },
    get config() {
      return given().config
    },
  }
}
