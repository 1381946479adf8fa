import type { Callable } from './callable.ts'

/** The field for all items of a list whose length is not known. */
const ANY = ''

/**
 * What is known of a value without running the code: the task calls it was computed from, and its parts where the
 * code shows them. Like the object it stands for it may be changed through any variable that holds it.
 */
export class Value {
  /** Calls whose results it was computed from. */
  readonly from: Set<number>
  /** Calls that are done once it was awaited, whether or not their results are in it. */
  readonly settles = new Set<number>()
  /** Its parts by name, those of a list by position; undefined where they are not known. */
  fields: Map<string, Value> | undefined
  /** The fields are the items of a list, by position; or one field named ANY is what each of them is like. */
  isList = false
  /** What a call of it may run. */
  callables: readonly Callable[] = []
  /** The text of a constant. */
  text: string | undefined
  /** What it may be, or be a part of: what is put into it, is put into these as well. */
  aliases: readonly Value[] = []

  constructor(from: Iterable<number> = []) {
    this.from = new Set(from)
  }

  static constant(text: string): Value {
    const value = new Value()
    value.text = text
    return value
  }

  static callable(callable: Callable): Value {
    const value = new Value()
    value.callables = [callable]
    return value
  }

  static object(fields: Iterable<readonly [string, Value]>, isList = false): Value {
    const value = new Value()
    value.fields = new Map(fields)
    value.isList = isList
    return value
  }

  static list(items: readonly Value[]): Value {
    return Value.object(
      items.map((item, index) => [String(index), item] as const),
      true,
    )
  }
}

/** A list of unknown length. */
export function listOf(item: Value, from: Iterable<number> = []): Value {
  const list = Value.object([[ANY, item]], true)
  for (const id of from) list.from.add(id)
  return list
}

/** Calls whose results are anywhere in the value. */
export function traces(value: Value, into = new Set<number>(), seen = new Set<Value>()): Set<number> {
  if (seen.has(value)) return into
  seen.add(value)
  for (const id of value.from) into.add(id)
  for (const field of value.fields?.values() ?? []) traces(field, into, seen)
  return into
}

/** Calls that are done once the value was awaited. */
export function settledBy(value: Value, into = new Set<number>(), seen = new Set<Value>()): Set<number> {
  if (seen.has(value)) return into
  seen.add(value)
  for (const id of value.from) into.add(id)
  for (const id of value.settles) into.add(id)
  for (const field of value.fields?.values() ?? []) settledBy(field, into, seen)
  return into
}

/** A value computed from these in a way that is not looked into. */
export function computedFrom(values: Iterable<Value>): Value {
  const result = new Value()
  for (const value of values) {
    traces(value, result.from)
    settledBy(value, result.settles)
  }
  return result
}

/** The part of that name; of a value that is not known in parts, something computed from the whole. */
export function fieldOf(value: Value, name: string): Value {
  const field = value.fields?.get(name)
  if (field && value.from.size === 0) return field
  const part = new Value(field ? value.from : traces(value))
  part.aliases = [value]
  return field ? join([field, part]) : part
}

/** Any item of a list, or of whatever can be iterated over. */
export function itemOf(value: Value): Value {
  if (!value.isList || !value.fields) return fieldOf(value, ANY)
  if (value.from.size === 0) return join([...value.fields.values()])
  const own = new Value(value.from)
  own.aliases = [value]
  return join([...value.fields.values(), own])
}

/** The item at a position. */
export function itemAt(value: Value, index: number): Value {
  return itemsOf(value)?.[index] ?? itemOf(value)
}

/** The items of a list where the code shows all of them. */
export function itemsOf(value: Value): Value[] | undefined {
  if (!value.isList || !value.fields || value.fields.has(ANY) || value.from.size > 0) return undefined
  return [...value.fields.values()]
}

/** A value that is one of these, it is not known which. */
export function join(values: readonly Value[]): Value {
  const some = [...new Set(values)].filter((value) => !isNothing(value))
  const [first] = some
  if (!first) return values[0] ?? new Value()
  if (some.length === 1) return first
  const result = new Value(some.flatMap((value) => [...value.from]))
  for (const value of some) for (const id of value.settles) result.settles.add(id)
  result.callables = [...new Set(some.flatMap((value) => value.callables))]
  if (some.every((value) => value.text === first.text)) result.text = first.text
  result.aliases = some
  if (some.some((value) => value.fields)) joinFields(result, some)
  return result
}

function joinFields(result: Value, values: readonly Value[]): void {
  const lists = values.filter((value) => value.isList)
  const [first] = lists
  if (lists.length > 0 && lists.length < values.length) {
    for (const value of values) traces(value, result.from)
    return
  }
  result.isList = lists.length > 0
  if (first && !lists.every((list) => list.fields?.size === first.fields?.size && !list.fields?.has(ANY))) {
    result.fields = new Map([[ANY, join(lists.map(itemOf))]])
    return
  }
  const names = new Set(values.flatMap((value) => [...(value.fields?.keys() ?? [])]))
  result.fields = new Map(
    [...names].map((name) => [name, join(values.flatMap((value) => value.fields?.get(name) ?? []))] as const),
  )
}

/** The same value, which is there only once `settles` are done: the promise of an async function. */
export function promiseOf(value: Value, settles: Iterable<number>): Value {
  const promise = new Value(value.from)
  promise.fields = value.fields
  promise.isList = value.isList
  promise.callables = value.callables
  promise.text = value.text
  promise.aliases = [value]
  for (const id of [...value.settles, ...settles]) promise.settles.add(id)
  return promise
}

/** Puts something into a value: `list.push(x)`. @returns whether that is news */
export function absorb(target: Value, ids: ReadonlySet<number>, seen = new Set<Value>()): boolean {
  if (seen.has(target) || ids.size === 0) return false
  seen.add(target)
  const before = target.from.size
  for (const id of ids) target.from.add(id)
  let changed = target.from.size > before
  for (const alias of target.aliases) changed = absorb(alias, ids, seen) || changed
  return changed
}

/** Adds an item to a list. @returns whether that is news */
export function addItem(list: Value, item: Value, seen = new Set<Value>()): boolean {
  if (seen.has(list)) return false
  seen.add(list)
  let changed = false
  if (!list.isList || !list.fields) changed = absorb(list, traces(item))
  else {
    changed = !traces(item).isSubsetOf(traces(list))
    const all = join([...list.fields.values(), item])
    list.fields.clear()
    list.fields.set(ANY, all)
  }
  for (const alias of list.aliases) changed = addItem(alias, item, seen) || changed
  return changed
}

/** Sets a part of a value that may have been set before. @returns whether that is news */
export function setField(target: Value, name: string, value: Value, seen = new Set<Value>()): boolean {
  if (seen.has(target)) return false
  seen.add(target)
  let changed = false
  if (!target.fields || target.isList) changed = absorb(target, traces(value))
  else {
    const before = target.fields.get(name)
    changed = !before || !traces(value).isSubsetOf(traces(before))
    if (before !== value) target.fields.set(name, before ? join([before, value]) : value)
  }
  for (const alias of target.aliases) changed = setField(alias, name, value, seen) || changed
  return changed
}

/** Nothing is known of it, and nothing can be put into it: `undefined`, a parameter of the flow. */
export function isNothing(value: Value): boolean {
  return (
    value.from.size === 0 &&
    value.settles.size === 0 &&
    value.fields === undefined &&
    value.callables.length === 0 &&
    value.text === undefined &&
    value.aliases.length === 0
  )
}
