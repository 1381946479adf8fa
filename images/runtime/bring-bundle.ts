import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bundleSource, type FlowSource } from '@millrace/engine'
import { type Store, store, UserError } from '@millrace/sdk'
import { HOME, makeHome } from './home.ts'

const OWN_BUNDLES = join(import.meta.dirname, '../../bundles')

/**
 * Brings a bundle to where it finds its packages, with the files that it reads; from the image where that has it.
 * @param url of the code: `gs://bucket/FLOW/SHA256.mjs`, `file:///app/bundles/FLOW/SHA256.mjs`
 * @returns what it is, relative to {@link HOME}
 * @throws UserError when it is not there, or is not what its name says
 */
export async function bringBundle(url: string): Promise<FlowSource> {
  await makeHome()
  const [, folder = '', flow = '', digest = ''] = /^(.*)\/([^/]+)\/([0-9a-f]{64})\.mjs$/.exec(url) ?? []
  const isOwn = existsSync(join(OWN_BUNDLES, flow, `${digest}.mjs`))
  const there = store(isOwn ? pathToFileURL(join(OWN_BUNDLES, flow)).href : `${folder}/${flow}`)
  const here = join(HOME, 'bundles', flow)
  const code = join(here, `${digest}.mjs`)
  if (!existsSync(code)) {
    const text = await read(there, `${digest}.mjs`, url)
    for (const path of filesOf(text)) await bring(there, `${digest}/${path}`, here, url)
    await bring(there, `${digest}.mjs.map`, here, url).catch(() => {
      // Only stacks of errors are worth less without it.
    })
    // The last: where the code is, all of it is.
    await write(code, text)
  }
  return bundleSource(HOME, code)
}

/**
 * The bundle that is part of this image.
 * @throws UserError when there is none, as in the runtime image
 */
export function ownBundle(): string {
  const flows = existsSync(OWN_BUNDLES) ? readdirSync(OWN_BUNDLES) : []
  const files = flows.flatMap((flow) => readdirSync(join(OWN_BUNDLES, flow)).map((name) => join(flow, name)))
  const [file] = files.filter((name) => name.endsWith('.mjs'))
  if (file !== undefined) return pathToFileURL(join(OWN_BUNDLES, file)).href
  throw new UserError(
    'this image has no flow',
    'Set MILLRACE_BUNDLE to the URL of a bundle, or use an image of a flow.',
  )
}

/** The first line of a bundle names them (release/bundle/header.ts); whether they are right is seen when all are there. */
function filesOf(code: Uint8Array): string[] {
  const [, json] = /^\/\/ millrace bundle \d+ (\{.*\})\n/.exec(Buffer.from(code).toString('utf8')) ?? []
  const header = json === undefined ? {} : (JSON.parse(json) as { assets?: Readonly<Record<string, string>> })
  return Object.keys(header.assets ?? {})
}

async function bring(from: Store, path: string, here: string, url: string): Promise<void> {
  await write(join(here, path), await read(from, path, url))
}

async function read(from: Store, path: string, url: string): Promise<Uint8Array> {
  try {
    return await from.read(path)
  } catch (error) {
    throw new UserError(`cannot bring the bundle ${url}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function write(file: string, content: Uint8Array): Promise<void> {
  const draft = `${file}.${randomBytes(4).toString('hex')}.tmp`
  await mkdir(dirname(file), { recursive: true })
  await writeFile(draft, content)
  await rename(draft, file)
}
