import { randomBytes } from 'node:crypto'

// Without letters that are mistaken for others when read aloud.
const LETTERS = '0123456789abcdefghjkmnpqrstvwxyz'

/** Those of the present second. */
const made = new Set<string>()
let second = 0

/**
 * A new run's id: 14 letters, the first six by time, so that ids sort by age and their beginnings differ soon. The others
 * are chance: 32^8 in a second, and never the same twice in one process.
 */
export function newRunId(now = Date.now()): string {
  const time = Math.floor(now / 1000)
  if (time !== second) made.clear()
  second = time
  for (;;) {
    const id = timeLetters(time) + randomLetters()
    if (made.has(id)) continue
    made.add(id)
    return id
  }
}

function timeLetters(time: number): string {
  let text = ''
  for (let rest = time, i = 0; i < 6; i++) {
    text = LETTERS[rest % 32] + text
    rest = Math.floor(rest / 32)
  }
  return text
}

function randomLetters(): string {
  return Array.from(randomBytes(8), (byte) => LETTERS[byte % 32]).join('')
}

/** What a run is called until its driver, who has the flow's code, gives it the name that the flow gives its runs. */
export function placeholderName(flow: string, id: string): string {
  return `${flow}-${id.slice(-6)}`
}
