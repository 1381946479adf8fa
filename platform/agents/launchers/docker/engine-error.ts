import { LaunchError } from '../../launcher.ts'

/** What dockerode throws: an answer of the engine that is not what it should be, or the connection's error. */
interface DockerError extends Error {
  readonly statusCode?: number
  readonly json?: unknown
  readonly code?: string
  /** Of a connection: the socket's path, or the host. */
  readonly address?: string
  readonly port?: number
}

/** Nobody is there; and somebody was, who broke off. */
const AWAY = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])
const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EMFILE'])

/**
 * An engine answers 500 to most of what goes wrong when a container is started. Of that, this is not the moment's fault;
 * what is not known is tried again for a while.
 */
const FOR_GOOD = /OCI runtime|device driver|^invalid|no such file or directory|not found|not supported|read-only/i
const OF_THE_MOMENT =
  /cannot allocate memory|temporarily unavailable|too many open files|deadline exceeded|no space left/i

/**
 * What went wrong, for whoever launches.
 * @param what the sentence that the engine's words end: `container NAME cannot be started`
 */
export function engineError(what: string, error: unknown): LaunchError {
  if (error instanceof LaunchError) return error
  if (!(error instanceof Error)) return new LaunchError('refused', `docker: ${what}: ${error}`)
  const { statusCode } = error as DockerError
  if (statusCode === undefined) return unreachable(what, error)
  const words = engineWords(error)
  const message = `docker: ${what}: ${words}`
  return new LaunchError(kindOf(statusCode, words), message, { cause: error })
}

function kindOf(status: number, words: string): LaunchError['kind'] {
  if (status === 401 || status === 403) return 'denied'
  if (status === 429) return 'busy'
  if (status < 500) return 'refused'
  return FOR_GOOD.test(words) && !OF_THE_MOMENT.test(words) ? 'refused' : 'busy'
}

function unreachable(what: string, error: DockerError): LaunchError {
  const { code, address, port, name, message } = error
  const where = address === undefined ? '' : ` at ${port === undefined ? address : `${address}:${port}`}`
  if (code === 'EACCES' || code === 'EPERM') {
    const right = 'the user must be in the group "docker", which may do on this machine what root may'
    return new LaunchError('denied', `docker: ${what}: the socket${where} may not be used: ${right}`, { cause: error })
  }
  if (name === 'TimeoutError' || name === 'AbortError') {
    return new LaunchError('busy', `docker: ${what}: the engine did not answer in time`, { cause: error })
  }
  if (code !== undefined && AWAY.has(code)) {
    const words = `no engine answers${where} (${code}): ${message}`
    return new LaunchError('busy', `docker: ${what}: ${words}; start it, or set DOCKER_HOST`, { cause: error })
  }
  if (code !== undefined && BROKEN.has(code)) {
    const words = `the connection to the engine${where} broke (${code}): ${message}`
    return new LaunchError('busy', `docker: ${what}: ${words}`, { cause: error })
  }
  return new LaunchError('refused', `docker: ${what}: ${message}`, { cause: error })
}

/** The engine's own words: `{"message": "…"}` of its answer. */
export function engineWords(error: DockerError): string {
  const { json, message } = error
  if (typeof json === 'object' && json !== null && 'message' in json) return String(json.message)
  // Where an answer is read as a stream dockerode keeps its words in a message of its own alone.
  return message.replace(/^\(HTTP code \d+\) [^-]* - /, '').trim()
}

export function hasStatus(error: unknown, ...statuses: readonly number[]): boolean {
  return error instanceof Error && statuses.includes((error as DockerError).statusCode ?? 0)
}

/** A container could not be made because the engine does not have its image. */
export function isMissingImage(error: unknown): boolean {
  return hasStatus(error, 404) && /no such image/i.test(engineWords(error as DockerError))
}
