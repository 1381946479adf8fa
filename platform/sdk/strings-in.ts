/**
 * A copy of `value` in which `change` was applied to every text: in lists, plain objects (and their keys), maps and
 * sets, at any depth. Everything else (dates, bytes, instances of classes) is the same as before.
 * @param errors also copy errors, with their message, stack and causes changed
 */
export function mapStrings(value: unknown, change: (text: string) => unknown, { errors = false } = {}): unknown {
  /** Copies under way: a value may contain itself. */
  const copies = new Map<object, unknown>()

  const started = <T extends object>(original: object, copy: T): T => {
    copies.set(original, copy)
    return copy
  }

  const map = (part: unknown): unknown => {
    if (typeof part === 'string') return change(part)
    if (typeof part !== 'object' || part === null) return part
    return copies.get(part) ?? mapObject(part)
  }

  const mapKey = (key: string): string => {
    const changed = change(key)
    return typeof changed === 'string' ? changed : key
  }

  const mapObject = (part: object): unknown => {
    if (Array.isArray(part)) {
      const copy = started<unknown[]>(part, [])
      for (const item of part) copy.push(map(item))
      return copy
    }
    if (part instanceof Map) {
      const copy = started(part, new Map<unknown, unknown>())
      for (const [key, item] of part) copy.set(map(key), map(item))
      return copy
    }
    if (part instanceof Set) {
      const copy = started(part, new Set<unknown>())
      for (const item of part) copy.add(map(item))
      return copy
    }
    if (errors && part instanceof Error) {
      const copy = started(part, new Error(String(map(part.message))))
      Object.setPrototypeOf(copy, Object.getPrototypeOf(part))
      for (const key of new Set([...Object.keys(part), 'stack', 'cause'])) {
        if (key in part) define(copy, key, map(Reflect.get(part, key)))
      }
      return copy
    }
    if (isPlainObject(part)) {
      const copy = started(part, {})
      for (const [key, item] of Object.entries(part)) define(copy, mapKey(key), map(item))
      return copy
    }
    return part
  }

  return map(value)
}

/** Plain assignment would call a setter, and would change the prototype for the key `__proto__`. */
function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
}

function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
