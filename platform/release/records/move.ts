import { z } from 'zod'
import { branchPart, imageByDigest } from './deployment.ts'
import { commitFacts, FORMAT, RELEASE_ID } from './release.ts'

const releaseName = z.string().regex(RELEASE_ID, 'must be the id of a release, such as 20261125T184500Z-1a2b3c4d')

/** A flow of a branch, beside those of the release: `hello@feature-x`. */
export const branchDeployment = z.strictObject({
  /** As git has it. */
  branch: z.string().min(1),
  /** How it is written in names of deployments. */
  slug: z.string().min(1),
  at: z.iso.datetime(),
  by: z.string().min(1),
  commit: commitFacts.optional(),
  /** In place of the runtime image. */
  image: imageByDigest.optional(),
  /** Where its bundle is: a URL, and below it `FLOW/DIGEST.mjs`. */
  bundles: z.string().min(1),
  part: branchPart,
})

export type BranchDeployment = z.infer<typeof branchDeployment>

export const MOVE_KINDS = ['release', 'deploy', 'rollback', 'undeploy'] as const

/**
 * A change of what is deployed, and how things stand after it. The moves of a stack have numbers without a gap, and one
 * of a number can be written once only: who comes second sees the first and thinks again. So they are the history and
 * the truth at once, and none can be lost.
 */
export const move = z.strictObject({
  format: z.literal(FORMAT),
  number: z.int().min(1),
  /** Tells it from a move that somebody else makes under the same number, word for word. */
  token: z.string().min(1),
  /** `release` was made by `up`; `deploy`, `rollback` and `undeploy` by the command of that name. */
  kind: z.enum(MOVE_KINDS),
  at: z.iso.datetime(),
  by: z.string().min(1),
  reason: z.string().min(1).optional(),
  /** Names of what was deployed, or taken away; none for a release as a whole. */
  names: z.array(z.string()),
  /** What was released before it, and is after it. */
  from: releaseName.optional(),
  release: releaseName.optional(),
  /** Number of the move that brought what a rollback goes back to, when it is not told to where. */
  before: z.int().min(1).optional(),
  /** The last release of `up` that was known: a newer one stands above all moves. */
  up: releaseName.optional(),
  /** By name. */
  branches: z.record(z.string(), branchDeployment),
})

export type Move = z.infer<typeof move>
