import type { Store } from '@millrace/sdk'
import { type Act, makeMove } from './make-move.ts'
import type { Move } from './move.ts'
import { planUndeploy, type UndeployAsked } from './plan-undeploy.ts'

/**
 * Takes away deployments of branches.
 * @returns their names, and the move that did it; none where there was nothing
 * @throws UserError when there is no deployment of that name
 */
export async function undeploy(
  store: Store,
  asked: UndeployAsked,
  act: Act,
): Promise<{ readonly names: readonly string[]; readonly move: Move | undefined }> {
  const move = await makeMove(store, act, async ({ release, head, branches }) => {
    const names = planUndeploy(asked, branches)
    if (names.length === 0) return undefined
    const left = Object.entries(branches).filter(([name]) => !names.includes(name))
    return { kind: 'undeploy', names: [...names], release, before: head?.before, branches: Object.fromEntries(left) }
  })
  return { names: move?.names ?? [], move }
}
