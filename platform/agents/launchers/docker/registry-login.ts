import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type Docker from 'dockerode'
import { z } from 'zod'
import { LaunchError } from '../../launcher.ts'

/** What of the docker command's `config.json` says how to log in. */
const configShape = z.object({
  auths: z
    .record(z.string(), z.object({ auth: z.string().optional(), identitytoken: z.string().optional() }))
    .default({}),
  credHelpers: z.record(z.string(), z.string()).default({}),
  credsStore: z.string().optional(),
})

const answerShape = z.object({ Username: z.string(), Secret: z.string() })

/** Docker Hub is known under an address of its own. */
const HUB = 'https://index.docker.io/v1/'
/** A helper answers this as the user's name where the secret is a token. */
const TOKEN = '<token>'
const NOT_FOUND = /credentials not found/i

/**
 * How to log in at the registry of an image: as the docker command does, by its `config.json` and the credential helpers
 * that this names (`gcloud auth configure-docker` names one).
 * @param folder of `config.json`. @default DOCKER_CONFIG, or ~/.docker
 * @returns nothing where it says nothing: whoever may pull then is anybody
 * @throws LaunchError when the file or a helper cannot be used
 */
export async function registryLogin(
  image: string,
  folder = process.env.DOCKER_CONFIG || join(homedir(), '.docker'),
): Promise<Docker.AuthConfig | undefined> {
  const config = await readConfig(join(folder, 'config.json'))
  if (!config) return undefined
  const registry = registryOf(image)
  const helper = config.credHelpers[registry] ?? config.credsStore
  const found = helper === undefined ? undefined : await askHelper(helper, registry)
  if (found) return found
  const [, known] = Object.entries(config.auths).find(([key]) => key === registry || hostOf(key) === registry) ?? []
  if (!known) return undefined
  if (known.identitytoken) return { identitytoken: known.identitytoken, serveraddress: registry }
  const [username = '', ...password] = Buffer.from(known.auth ?? '', 'base64')
    .toString()
    .split(':')
  return username === '' ? undefined : { username, password: password.join(':'), serveraddress: registry }
}

/** A name's first part is a registry where it looks like a host: `localhost`, or with a dot or a port. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/')
  return rest.length > 0 && (first === 'localhost' || /[.:]/.test(first)) ? first : HUB
}

function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '')
}

async function readConfig(file: string): Promise<z.infer<typeof configShape> | undefined> {
  try {
    return configShape.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new LaunchError('refused', `docker: ${file}, which says how to log in, cannot be read: ${error}`)
  }
}

/** https://github.com/docker/docker-credential-helpers: the registry goes to standard input, JSON comes back. */
async function askHelper(name: string, registry: string): Promise<Docker.AuthConfig | undefined> {
  const program = `docker-credential-${name}`
  const child = spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  // A helper may end without reading.
  child.stdin.on('error', () => {}).end(registry)
  try {
    const [code, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
    if (code !== 0 && NOT_FOUND.test(out + err)) return undefined
    if (code !== 0) throw new Error((err || out).trim() || `it ended with ${code}`)
    const { Username: username, Secret: secret } = answerShape.parse(JSON.parse(out))
    if (username === TOKEN) return { identitytoken: secret, serveraddress: registry }
    return { username, password: secret, serveraddress: registry }
  } catch (error) {
    const words = (error as Error).message
    throw new LaunchError('refused', `docker: ${program} does not say how to log in at ${registry}: ${words}`)
  }
}
