import { type Args, argsOf, isCallback, type Site } from './invoke.ts'
import { mapItems } from './methods.ts'
import { computedFrom, itemOf, listOf, setField, traces, Value } from './value.ts'
import { put, type Walk } from './walk.ts'

/** Functions of the language of which more is known than that their result is computed from their arguments. */
export function globalFunction(name: string, args: Args, site: Site, walk: Walk): Value | undefined {
  const [first = args.rest ?? new Value(), second] = args.list
  switch (name) {
    // A promise is treated as what it comes to.
    case 'Promise.all':
    case 'Promise.allSettled':
    case 'Promise.resolve':
    case 'Object.freeze':
    case 'structuredClone':
      return first
    case 'Promise.race':
    case 'Promise.any':
      return itemOf(first)
    case 'Array.from':
    case 'Array.fromAsync':
      if (second && isCallback(second)) return mapItems(first, { list: [second] }, site, walk)
      return first.isList ? first : listOf(itemOf(first))
    case 'Array.of':
      return args.rest ? undefined : Value.list(args.list)
    case 'Object.values':
      return first.fields && first.from.size === 0 ? Value.list([...first.fields.values()]) : listOf(itemOf(first))
    case 'Object.entries':
      return first.fields && !first.isList && first.from.size === 0
        ? Value.list([...first.fields].map(([key, value]) => Value.list([Value.constant(key), value])))
        : listOf(Value.list([new Value(first.from), itemOf(first)]))
    case 'Object.assign':
      for (const source of argsOf(args).slice(1)) {
        put(first, source.from, walk)
        for (const [key, value] of source.fields ?? []) if (setField(first, key, value)) walk.changed = true
      }
      return first
    case 'Object.keys':
      return computedFrom([new Value(first.fields ? first.from : traces(first))])
    default:
      return undefined
  }
}
