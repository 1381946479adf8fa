import { join } from 'node:path'
import { flowNames } from '@millrace/engine'
import { UserError } from '@millrace/sdk'
import { CallRecord } from './call-record.ts'
import { invoke } from './invoke.ts'
import { readModules } from './module-file.ts'
import { exportOf } from './module-scope.ts'
import type { TaskGraph } from './task-graph.ts'
import { Value } from './value.ts'
import { startWalk } from './walk.ts'

/**
 * Reads out of a flow's code how its tasks hang together. Nothing of the flow is run: every variable remembers which
 * task calls it was computed from, through the flow function and the functions of the project that it calls.
 *
 * @throws UserError when there is no such flow, or its code cannot be read: `file:line:column: …`
 */
export function flowGraph(root: string, name: string): TaskGraph {
  const names = flowNames(root)
  if (!names.includes(name)) {
    throw new UserError(
      `there is no flow "${name}"`,
      names.length > 0 ? `Flows here: ${names.join(', ')}.` : `There is no flow in ${join(root, 'flows')}.`,
    )
  }
  const module = readModules(root, join(root, 'flows', name, 'flow.ts'))
  const record = new CallRecord()
  const walk = startWalk(record)
  const flow = exportOf(module, 'default', walk)?.callables.find((callable) => callable.kind === 'flow')
  if (!flow) {
    throw new UserError(`${module.name} must export a flow as default: export default flow({ … }, async () => { … })`)
  }
  invoke(flow.body, { list: [new Value(), new Value()] }, undefined, { module, start: 0 }, walk)
  return record.toGraph(flow.name || name)
}
