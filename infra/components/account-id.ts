import { createHash } from 'node:crypto'

const LONGEST = 30

/**
 * Id of the service account of a thing: `flow-datacube`. Google allows 6 to 30 characters; a longer one is cut, and told
 * apart from others that begin like it by six digits of its hash.
 */
export function accountId(kind: string, name?: string): string {
  const id = name === undefined ? kind : `${kind}-${name}`
  if (id.length <= LONGEST) return id
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 6)
  return `${id.slice(0, LONGEST - hash.length - 1).replace(/-+$/, '')}-${hash}`
}
