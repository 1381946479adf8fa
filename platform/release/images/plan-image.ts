import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Bundle, bundleFlow } from '../bundle/bundle-flow.ts'
import { flowFiles } from './flow-files.ts'
import { BASE_IMAGE, type ImageSpec, imageFolder, imageName } from './image.ts'
import { readLockfile } from './lockfile.ts'
import { PACKAGE_RULE } from './package-files.ts'
import { programFiles } from './programs.ts'
import { type ImageSystem, systemHere } from './system.ts'
import { type Installed, sha256, type TreeFile, treeLines } from './tree.ts'

export interface ImageOptions {
  /** The project's folder. */
  readonly root: string
  /** What the first of our images stand on. @default BASE_IMAGE */
  readonly base?: string
  /** @default this machine's processor */
  readonly system?: ImageSystem
  /** The bundle of a flow, where it is there already. @default it is made */
  readonly bundle?: (flow: string) => Promise<Bundle>
}

/** What an image will be, before anything is made. */
export interface ImagePlan {
  readonly name: string
  /** SHA-256 of all that it is made of, that which it stands on included. The same on every machine. */
  readonly hash: string
  /** The image that it stands on: another of ours, or the name of one. */
  readonly base: ImagePlan | string
  /** What it adds to that. */
  readonly files: readonly TreeFile[]
  /** A line for each of them, with what says what is in it. */
  readonly lines: readonly string[]
  readonly installed: Installed
  readonly dockerfile: string
}

/** Plans images of one project, each once. */
export function imagePlanner(options: ImageOptions): (image: ImageSpec) => Promise<ImagePlan> {
  const { root, base = BASE_IMAGE, system = systemHere(), bundle = (flow) => bundleFlow(root, flow) } = options
  const plans = new Map<string, Promise<ImagePlan>>()
  let installed: Installed | undefined

  function plan(image: ImageSpec): Promise<ImagePlan> {
    const name = imageName(image)
    const known = plans.get(name) ?? make(image)
    plans.set(name, known)
    return known
  }

  async function make(image: ImageSpec): Promise<ImagePlan> {
    const standsOnRuntime = typeof image !== 'string' || image === 'worker'
    const [below, files] = await Promise.all([standsOnRuntime ? plan('runtime') : base, filesOf(image)])
    const dockerfile = readFileSync(join(root, 'images', imageFolder(image), 'Dockerfile'), 'utf8')
    installed ??= { root, lock: readLockfile(root) }
    const lines = await treeLines(files, installed)
    const standsOn = typeof below === 'string' ? below : below.hash
    const hash = sha256([standsOn, system.cpu, sha256(dockerfile), PACKAGE_RULE, ...lines].join('\n'))
    return { name: imageName(image), hash, base: below, files, lines, installed, dockerfile }
  }

  async function filesOf(image: ImageSpec): Promise<TreeFile[]> {
    if (typeof image !== 'string') return flowFiles(await bundle(image.flow))
    // The runtime has the worker's program already: the driver and the workers of a run are of one image.
    if (image === 'worker') return []
    return await programFiles(root, PROGRAMS[image], system)
  }

  return plan
}

const PROGRAMS = {
  runtime: {
    starts: ['images/flow/main.ts', 'images/worker/main.ts', 'images/runtime/warm-up.ts'],
    withFlows: true,
  },
  console: { starts: ['images/console/main.ts'], withFlows: false },
  agent: { starts: ['images/agent/main.ts'], withFlows: false },
} as const
