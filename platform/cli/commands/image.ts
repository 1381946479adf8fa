import { isAbsolute, join, relative } from 'node:path'
import { checkFlowName, flowNames } from '@millrace/engine'
import {
  type AssembledImage,
  assembleImages,
  buildImage,
  dockerVersion,
  type ImageSpec,
  imageTag,
  PLATFORM_IMAGES,
  systemHere,
} from '@millrace/release'
import { formatBytes, UserError } from '@millrace/sdk'
import { table } from '../output/table.ts'
import { root } from '../project.ts'

interface ImageOptions {
  readonly local?: boolean
  readonly base?: string
  readonly platform?: string
  readonly out: string
  readonly assembleOnly?: boolean
  readonly parts?: boolean
  readonly json?: boolean
}

type Outcome = 'assembled' | 'built' | 'there already'

/** `millrace image build --local` */
export async function buildImages(words: readonly string[], options: ImageOptions): Promise<void> {
  if (!options.local) {
    throw new UserError('"millrace image build" makes images of this machine; say so: --local')
  }
  const wanted = readImages(words)
  const system = readSystem(options.platform)
  const images = await assembleImages(wanted, {
    root,
    system,
    out: isAbsolute(options.out) ? options.out : join(process.cwd(), options.out),
    ...(options.base !== undefined && { base: options.base }),
  })
  const engine = options.assembleOnly ? undefined : await dockerVersion()
  const outcomes: Outcome[] = []
  for (const image of images) {
    if (engine === undefined) outcomes.push('assembled')
    // In turn: one may stand on another.
    else outcomes.push((await buildImage(image, options.platform)) ? 'built' : 'there already')
  }
  print(images, outcomes, options)
  if (engine === undefined && !options.assembleOnly) {
    throw new UserError(
      `no Docker engine answers, so that no image was built; what they are made of is in ${shown(options.out)}`,
      'Start Docker, or add --assemble-only.',
    )
  }
}

/** `runtime flow hello worker`; all images where nothing is said. */
function readImages(words: readonly string[]): ImageSpec[] {
  if (words.length === 0) return [...PLATFORM_IMAGES, ...flowNames(root).map((flow) => ({ flow }))]
  const images: ImageSpec[] = []
  for (const rest = [...words]; rest.length > 0; ) {
    const word = rest.shift()
    const known = PLATFORM_IMAGES.find((name) => name === word)
    if (known) images.push(known)
    else if (word === 'flow') images.push({ flow: readFlow(rest.shift()) })
    else {
      throw new UserError(`there is no image "${word}"`, `There are: ${PLATFORM_IMAGES.join(', ')}, and "flow NAME".`)
    }
  }
  return images
}

function readFlow(name: string | undefined): string {
  if (name === undefined) throw new UserError('the image of which flow? "flow" is followed by its name: flow hello')
  checkFlowName(root, name)
  return name
}

function readSystem(platform: string | undefined) {
  if (platform === undefined) return systemHere()
  return { cpu: platform === 'linux/arm64' ? 'arm64' : 'x64' } as const
}

function print(images: readonly AssembledImage[], outcomes: readonly Outcome[], { json, parts }: ImageOptions): void {
  const sizes = images.map((image) => image.parts.reduce((sum, { bytes }) => sum + bytes, 0))
  if (json) {
    const facts = images.map(({ name, hash, folder, base, parts }, i) => ({
      name,
      hash,
      tag: imageTag({ name, hash }),
      base: typeof base === 'string' ? base : imageTag(base),
      folder,
      outcome: outcomes[i],
      bytes: sizes[i],
      parts,
    }))
    process.stdout.write(`${JSON.stringify(facts, null, 2)}\n`)
    return
  }
  const rows = images.map((image, i) => [
    image.name,
    `+ ${formatBytes(sizes[i] ?? 0)}`,
    outcomes[i] ?? '',
    outcomes[i] === 'assembled' ? shown(image.folder) : imageTag(image),
  ])
  process.stdout.write(`${table([['IMAGE', 'ADDS', 'OUTCOME', 'WHERE'], ...rows])}\n`)
  if (!parts) return
  for (const image of images.filter((each) => each.parts.length > 0)) {
    const lines = image.parts.map(({ name, files, bytes }) => [name, files, formatBytes(bytes)])
    process.stdout.write(`\n${table([[`PART OF ${image.name}`, 'FILES', 'SIZE'], ...lines])}\n`)
  }
}

/** As a person would type it. */
function shown(path: string): string {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') ? path : short || '.'
}
