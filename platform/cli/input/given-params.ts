import { flowNames, loadFlow } from '@millrace/engine'
import type { Flow } from '@millrace/sdk'
import { gatherParams } from '../params.ts'
import { root } from '../project.ts'

/** Reads `name=value` pairs as parameters of a flow. */
export interface ParamReader {
  read(pairs: readonly string[]): Promise<Record<string, unknown>>
}

/**
 * Reads pairs by what the flow's parameters are, where the flow is in this folder; elsewhere what is JSON is read as such.
 * Whether they are right is for the flow to say, as it is deployed: its code here may be other code.
 */
export async function paramReader(flow: string): Promise<ParamReader> {
  const known = flowNames(root).includes(flow) ? await flowHere(flow) : undefined
  return { read: (pairs) => gatherParams(root, known ?? flow, { param: pairs }) }
}

/** Code that cannot be loaded now is no reason not to run what is deployed. */
async function flowHere(name: string): Promise<Flow | undefined> {
  try {
    return (await loadFlow(root, name)).flow
  } catch {
    return undefined
  }
}
