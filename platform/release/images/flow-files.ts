import { posix } from 'node:path'
import type { Bundle } from '../bundle/bundle-flow.ts'
import type { TreeFile } from './tree.ts'

/** What the image of a flow has besides its runtime: its bundle, as images/runtime/bring-bundle.ts expects it. */
export function flowFiles({ flow, digest, code, map, assets }: Bundle): TreeFile[] {
  const base = posix.join('bundles', flow, digest)
  const part = 'ours: the bundle'
  return [
    { path: `${base}.mjs`, content: { text: code }, part },
    { path: `${base}.mjs.map`, content: { text: JSON.stringify(map) }, part },
    ...assets.map(({ path, file }): TreeFile => ({ path: posix.join(base, path), content: { file }, part })),
  ]
}
