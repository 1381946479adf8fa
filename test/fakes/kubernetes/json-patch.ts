import { isDeepStrictEqual } from 'node:util'
import { Refusal } from './refusal.ts'

interface Operation {
  readonly op: string
  readonly path: string
  readonly value?: unknown
}

/** RFC 6902, of which `test`, `add`, `replace` and `remove` within objects; what cannot be applied is answered as the API does. */
export function applyJsonPatch<T extends object>(object: T, patch: readonly Operation[]): T {
  const copy = structuredClone(object)
  for (const { op, path, value } of patch) {
    const keys = path
      .split('/')
      .slice(1)
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
    const last = keys.pop() ?? ''
    const parent = keys.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), copy)
    if (!isObject(parent)) throw unprocessable(`${op} operation does not apply: doc is missing path: "${path}"`)
    if (op === 'test') {
      if (!isDeepStrictEqual(parent[last], value)) {
        throw unprocessable(`testing value ${path} failed: test failed`)
      }
      continue
    }
    if (op !== 'add' && !(last in parent))
      throw unprocessable(`${op} operation does not apply: doc is missing key: ${path}`)
    if (op === 'remove') delete parent[last]
    else parent[last] = value
  }
  return copy
}

function unprocessable(words: string): Refusal {
  return new Refusal(422, 'Invalid', 'the server rejected our request due to an error in our request', {
    causes: [{ message: words }],
  })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
