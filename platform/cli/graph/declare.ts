import type { Args } from './invoke.ts'
import { fieldOf, Value } from './value.ts'

/** `task(name, options?, body)` */
export function declareTask({ list }: Args): Value {
  const [name, second] = list
  const options = list.length > 2 ? second?.fields : undefined
  return Value.callable({
    kind: 'task',
    task: { name: name?.text ?? '(named at run time)', options: options ?? new Map() },
  })
}

/** `flow(options, body)` */
export function declareFlow({ list }: Args): Value {
  const [options = new Value(), body = new Value()] = list
  return Value.callable({ kind: 'flow', name: fieldOf(options, 'name').text ?? '', body })
}
