import { createHash } from 'node:crypto'
import { describeIssues } from '@millrace/sdk'
import { z } from 'zod'
import { type Deployment, deployment, imageByDigest } from './deployment.ts'
import { stableJson } from './stable-json.ts'

/** Of the shape of what is written into a record store. */
export const FORMAT = 1

export const RELEASE_ID = /^\d{8}T\d{6}Z-[0-9a-f]{8}$/

/** The code that something was made from. */
export const commitFacts = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{40,64}$/, 'must be the id of a commit'),
  /** When it was committed. */
  time: z.iso.datetime({ offset: true }),
  /** There were changes beside it that are in no commit. */
  modified: z.literal(true).optional(),
})

export type CommitFacts = z.infer<typeof commitFacts>

/** Everything that is deployed in a stack at one time. It is written once and never changed. */
export const release = z.strictObject({
  format: z.literal(FORMAT),
  stack: z.string().min(1),
  /** `up`: all of the stack. `deploy`: bundles, and what flows say of themselves, laid over the release before. */
  madeBy: z.enum(['up', 'deploy']),
  commit: commitFacts.optional(),
  /** Where the bundles are: a URL, and below it `FLOW/DIGEST.mjs`. */
  bundles: z.string().min(1),
  /** Images of the stack by name; those of branches start from `runtime`. */
  images: z.record(z.string(), imageByDigest),
  /** By flow. */
  deployments: z.record(z.string(), deployment),
})

export type Release = z.infer<typeof release>

/** What a release is made of. */
export interface ReleaseParts extends Omit<Release, 'format' | 'images' | 'deployments'> {
  readonly images?: Readonly<Record<string, string>>
  readonly deployments: readonly Deployment[]
}

/**
 * The record of a release.
 * @throws Error naming what is not as a record has it: the program that makes one is wrong
 */
export function releaseRecord({ deployments, images = {}, ...parts }: ReleaseParts): Release {
  const record = {
    ...parts,
    format: FORMAT,
    images,
    deployments: Object.fromEntries(deployments.map((each) => [each.flow, each])),
  }
  const result = release.safeParse(record)
  if (result.success) return result.data
  throw new Error(describeIssues(release, record, result.error.issues, (path) => `release: ${path}`).join('\n'))
}

/** A record as it is written: the same text for the same record. */
export function recordText(record: Release): string {
  return stableJson(record)
}

/**
 * What a release is called: ids are in order of time, and the last part is of what is in it.
 * @param time when it was made. One that comes from the commit makes the id, too, the same for the same release.
 */
export function releaseId(record: Release, time: Date): string {
  return `${time.toISOString().replace(/[-:]|\.\d+/g, '')}-${contentHash(recordText(record))}`
}

/** Whether a text is the record that an id stands for. */
export function isRecordOf(id: string, text: string): boolean {
  return id.endsWith(`-${contentHash(text)}`)
}

function contentHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8)
}
