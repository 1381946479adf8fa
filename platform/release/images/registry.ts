import { setTimeout as pause } from 'node:timers/promises'
import { UserError } from '@millrace/sdk'
import { applicationDefault } from '../bootstrap/credentials.ts'

const ATTEMPTS = 5
const FIRST_PAUSE_MS = 500
const ANSWERS_WITHIN_MS = 30_000

/** What an image can be in a registry: of one system or several, in Docker's words or in those of the Open Container Initiative. */
const MANIFESTS = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

/**
 * The digest (`sha256:…`) that an image has in its registry; undefined when there is none.
 * https://distribution.github.io/distribution/spec/api/#existing-manifests
 * @param image with its tag or digest: `europe-west1-docker.pkg.dev/PROJECT/REPOSITORY/NAME:TAG`
 * @throws UserError when the registry does not say, or does not let us look
 */
export async function digestInRegistry(image: string): Promise<string | undefined> {
  const { host, path, reference } = partsOf(image)
  const url = `${isLocal(host) ? 'http' : 'https'}://${host}/v2/${path}/manifests/${reference}`
  for (let attempt = 1; ; attempt++) {
    const answer = await ask(url, host, path)
    if (answer === 'nothing') return undefined
    if (typeof answer === 'object') return answer.digest
    if (attempt === ATTEMPTS)
      throw new UserError(`the registry ${host} does not say whether it has ${image}: ${answer}`)
    await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1))
  }
}

/** @returns the digest; `nothing` where there is no such image; else, in words, why it may be worth to ask again */
async function ask(url: string, host: string, path: string): Promise<{ digest: string } | 'nothing' | string> {
  const headers = await credentials(host, path, url)
  headers.set('accept', MANIFESTS)
  const signal = AbortSignal.timeout(ANSWERS_WITHIN_MS)
  const response = await fetch(url, { method: 'HEAD', headers, signal }).catch((error: unknown) =>
    error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error),
  )
  if (typeof response === 'string') return response
  const { status } = response
  if (status === 404) return 'nothing'
  if (status === 401 || status === 403) {
    throw new UserError(
      `the registry ${host} does not let you look at ${path} (${status})`,
      'Who deploys needs artifactregistry.repositories.downloadArtifacts there, and to push, uploadArtifacts.',
    )
  }
  const digest = response.headers.get('docker-content-digest')
  if (!response.ok || !digest) return `it answers ${status}${response.ok ? ' without a digest' : ''}`
  return { digest }
}

/** Google's registries know who is logged in to Google Cloud; others are asked as nobody. */
async function credentials(host: string, path: string, url: string): Promise<Headers> {
  if (!/(^|\.)(pkg\.dev|gcr\.io)$/.test(host)) return new Headers()
  const headers = await applicationDefault(path.split('/')[0] ?? '')(url)
  // Looking at images uses up no quota of a project.
  headers.delete('x-goog-user-project')
  return headers
}

/** Docker, too, talks to registries of this machine without encryption. */
function isLocal(host: string): boolean {
  return /^(localhost|127\.0\.0\.1)(:\d+)?$/.test(host)
}

function partsOf(image: string): { host: string; path: string; reference: string } {
  const { host, path, tag, digest } =
    /^(?<host>[^/]+)\/(?<path>[^:@]+)(?::(?<tag>[^@]+))?(?:@(?<digest>.+))?$/.exec(image)?.groups ?? {}
  const reference = digest ?? tag
  if (!host || !path || !reference) throw new Error(`"${image}" is not HOST/NAME with a tag or a digest`)
  return { host, path, reference }
}
