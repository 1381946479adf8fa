import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { allOrMistake } from '../all-or-mistake.ts'
import { type Asset, findAssets } from './assets.ts'
import { compile, type SourceMapJson } from './compile.ts'
import { headerLine } from './header.ts'

/** More at once are hardly quicker, and take memory: some 20 MB each. */
export const AT_ONCE = 8

/**
 * A flow compiled to one file, with the files it reads. The digest is the SHA-256 of the code, whose first line has
 * the SHA-256 of each of these files and the versions of the packages that it needs: it stands for all of them.
 */
export interface Bundle {
  readonly flow: string
  readonly digest: string
  readonly code: string
  /** Tells for a line of the code where it comes from. Nothing needs it but a stack that is read by a person. */
  readonly map: SourceMapJson
  readonly assets: readonly Asset[]
  /** Packages that stay outside, with their versions. */
  readonly externals: Readonly<Record<string, string>>
  /** The modules that it was made of, packages included: their paths on this machine. */
  readonly modules: readonly string[]
}

/**
 * Makes the bundle of a flow. The same files give the same bundle, wherever and whenever.
 * @throws UserError naming the file that does not compile, or that is missing
 */
export async function bundleFlow(root: string, flow: string): Promise<Bundle> {
  const home = resolve(root)
  const { code, map, needs, named, modules } = await compile(home, flow)
  const assets = findAssets(home, flow, named)
  const hashes = Object.fromEntries(assets.map(({ path, sha256 }) => [path, sha256]))
  const whole = `${headerLine({ flow, needs, assets: hashes })}\n${code}`
  return {
    flow,
    digest: createHash('sha256').update(whole).digest('hex'),
    code: whole,
    // One line more than was compiled.
    map: { ...map, mappings: `;${map.mappings}` },
    assets,
    externals: needs,
    modules,
  }
}

/**
 * Makes the bundles of flows.
 * @throws UserError the first mistake; its hint names the others
 */
export function bundleFlows(root: string, flows: readonly string[]): Promise<Bundle[]> {
  return allOrMistake(flows, (flow) => bundleFlow(root, flow), AT_ONCE)
}
