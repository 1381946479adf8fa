import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { stackNames, withCheckout } from '@millrace/release'
import { UserError } from '@millrace/sdk'
import { PlanError } from './plan-error.ts'
import type { Plan } from './planned-resource.ts'
import { planProgram } from './run.ts'
import { readStack } from './stack-file.ts'

/** The plan of a stack as it was at a commit; an empty one where the stack was not there yet. */
export async function planAt(
  root: string,
  ref: string,
  stack: string,
  signal: AbortSignal,
): Promise<{ plan: Plan; commit: string }> {
  const plan = withCheckout(root, ref, async ({ root: tree, commit }) => {
    const isThere = existsSync(join(tree, 'Pulumi.yaml')) && stackNames(tree).includes(stack)
    if (!isThere) return { commit, plan: { stack, project: '', resources: [], outputs: {}, warnings: [] } }
    try {
      return { commit, plan: await planProgram(readStack(tree, stack), { signal }) }
    } catch (error) {
      if (!(error instanceof PlanError)) throw error
      throw new PlanError(`as it was at ${ref} (${commit.slice(0, 7)}): ${error.message}`, error)
    }
  })
  return plan.catch((error: unknown) => {
    throw error instanceof UserError ? new PlanError(error.message, { isMistake: true }) : error
  })
}
