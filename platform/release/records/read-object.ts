import { describeIssues, type Store, UserError } from '@millrace/sdk'
import type { z } from 'zod'
import { isRecord } from '../stack-file.ts'
import { FORMAT } from './release.ts'

/**
 * Reads an object of a record store.
 * @returns undefined when there is none
 * @throws UserError when it is not what it should be
 */
export async function readObject<T>(store: Store, path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  return (await store.exists(path)) ? checkObject(store, path, schema, await store.readJson(path)) : undefined
}

/** @throws UserError naming the object, and the first field of it that is wrong */
export function checkObject<T>(store: Store, path: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const where = `store ${store.url}: ${path}`
  if (isRecord(value) && typeof value.format === 'number' && value.format > FORMAT) {
    throw new UserError(`${where} was written by a newer version of Millrace; update this one`)
  }
  const [first = 'it is not as it should be', ...others] = describeIssues(
    schema,
    value,
    result.error.issues,
    (at) => `${where}: ${at}`,
  )
  throw new UserError(first, others.join('\n') || undefined)
}
