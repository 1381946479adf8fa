import { type Args, argsOf, invoke, isCallback, type Site } from './invoke.ts'
import { addItem, computedFrom, itemOf, join, listOf, promiseOf, setField, settledBy, traces, Value } from './value.ts'
import { conditionSince, meanwhile, put, repeatedly, shaded, type Walk } from './walk.ts'

type Method = (receiver: Value, args: Args, site: Site, walk: Walk) => Value

/**
 * Methods of lists, maps, sets and promises, where more is known than that the result is computed from receiver and
 * arguments.
 */
export function callMethod(name: string, receiver: Value, args: Args, site: Site, walk: Walk): Value | undefined {
  return Object.hasOwn(METHODS, name) ? METHODS[name]?.(receiver, args, site, walk) : undefined
}

/** Each item goes through the callback. */
export function mapItems(receiver: Value, args: Args, site: Site, walk: Walk): Value {
  const [callback] = args.list
  if (!callback || !isCallback(callback)) return computedFrom([receiver, ...argsOf(args)])
  const index = new Value(receiver.from)
  return repeatedly(walk, traces(receiver), () =>
    listOf(invoke(callback, { list: [itemOf(receiver), index, receiver] }, undefined, site, walk)),
  )
}

/** The same items, chosen or ordered by what the callback says. */
const chooseItems: Method = (receiver, args, site, walk) => {
  const verdict = itemOf(mapItems(receiver, args, site, walk))
  return listOf(itemOf(receiver), traces(verdict))
}

const chooseItem: Method = (receiver, args, site, walk) => itemOf(chooseItems(receiver, args, site, walk))

const reduceItems: Method = (receiver, { list }, site, walk) => {
  const [callback, start = itemOf(receiver)] = list
  if (!callback) return computedFrom([receiver])
  let sum = start
  return repeatedly(walk, traces(receiver), () => {
    const before = traces(sum).size
    sum = join([sum, invoke(callback, { list: [sum, itemOf(receiver)] }, undefined, site, walk)])
    if (traces(sum).size > before) walk.changed = true
    return sum
  })
}

const addItems: Method = (receiver, args, _site, walk) => {
  for (const arg of argsOf(args)) {
    if (addItem(receiver, shaded(arg, conditionSince(walk, walk.active.at(-1)?.depth ?? 0)))) walk.changed = true
  }
  return computedFrom([receiver])
}

const setEntry: Method = (receiver, args, _site, walk) => {
  const [key, value] = args.list
  if (key?.text !== undefined && value && receiver.fields && !receiver.isList) {
    if (setField(receiver, key.text, value)) walk.changed = true
  } else put(receiver, traces(computedFrom(argsOf(args))), walk)
  return receiver
}

const METHODS: Record<string, Method> = {
  map: mapItems,
  flatMap: (receiver, args, site, walk) => listOf(itemOf(itemOf(mapItems(receiver, args, site, walk)))),
  forEach: (receiver, args, site, walk) => {
    mapItems(receiver, args, site, walk)
    return new Value()
  },
  filter: chooseItems,
  sort: chooseItems,
  toSorted: chooseItems,
  find: chooseItem,
  findLast: chooseItem,
  some: (receiver, args, site, walk) => computedFrom([receiver, mapItems(receiver, args, site, walk)]),
  every: (receiver, args, site, walk) => computedFrom([receiver, mapItems(receiver, args, site, walk)]),
  reduce: reduceItems,
  reduceRight: reduceItems,
  flat: (receiver) => listOf(itemOf(itemOf(receiver))),
  slice: (receiver, args) => listOf(itemOf(receiver), traces(computedFrom(argsOf(args)))),
  concat: (receiver, args) => listOf(join([itemOf(receiver), ...argsOf(args).map(itemOf)])),
  reverse: (receiver) => receiver,
  toReversed: (receiver) => listOf(itemOf(receiver)),
  values: (receiver) => receiver,
  entries: (receiver) => listOf(Value.list([new Value(receiver.from), itemOf(receiver)])),
  at: itemOf,
  pop: itemOf,
  shift: itemOf,
  push: addItems,
  unshift: addItems,
  add: addItems,
  append: addItems,
  fill: addItems,
  splice: addItems,
  set: setEntry,

  // What is behind a promise runs later: the code here has not waited for it.
  // biome-ignore lint/suspicious/noThenProperty: the name of the method that is looked at
  then: (receiver, { list }, site, walk) => {
    const { result, finished } = meanwhile(walk, () => {
      for (const id of settledBy(receiver)) walk.finished.add(id)
      return list.map((callback) => invoke(callback, { list: [receiver] }, undefined, site, walk))
    })
    return promiseOf(join(result), finished)
  },
  catch: (receiver, { list: [callback] }, site, walk) => {
    const { result, finished } = meanwhile(walk, () =>
      callback ? invoke(callback, { list: [] }, undefined, site, walk) : new Value(),
    )
    return promiseOf(join([receiver, result]), [...settledBy(receiver), ...finished])
  },
  finally: (receiver, { list: [callback] }, site, walk) => {
    const { finished } = meanwhile(walk, () => {
      for (const id of settledBy(receiver)) walk.finished.add(id)
      if (callback) invoke(callback, { list: [] }, undefined, site, walk)
    })
    return promiseOf(receiver, finished)
  },
}
