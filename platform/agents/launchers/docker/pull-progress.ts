/** How far a pull is. */
export interface Progress {
  /** `3 of 7 layers`. */
  readonly text: string
  /** Why it failed, in the engine's words. */
  readonly failure: string | undefined
  /** @param piece of the news; lines may be cut anywhere */
  read(piece: string): void
}

/** A line of the news. https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageCreate */
interface News {
  readonly status?: string
  /** The layer that it is about; of the first line, the tag. */
  readonly id?: string
  readonly error?: string
}

const DONE = new Set(['Pull complete', 'Already exists'])

export function progressOf(): Progress {
  const layers = new Map<string, boolean>()
  let rest = ''
  let failure: string | undefined

  function read(piece: string): void {
    const lines = `${rest}${piece}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.trim() !== '') note(newsIn(line))
  }

  function note({ status = '', id, error }: News): void {
    if (error !== undefined) failure = error
    if (id !== undefined && !status.startsWith('Pulling from')) layers.set(id, DONE.has(status))
  }

  return {
    read,
    get failure() {
      return failure
    },
    get text() {
      if (layers.size === 0) return 'it has not begun'
      return `${[...layers.values()].filter(Boolean).length} of ${layers.size} layers`
    },
  }
}

/** What is no news, a proxy's page, is a failure in its own words. */
function newsIn(line: string): News {
  try {
    return JSON.parse(line) as News
  } catch {
    return { error: line.slice(0, 200) }
  }
}
