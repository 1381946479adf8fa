import { randomBytes } from 'node:crypto'

// Without letters that are mistaken for others when read aloud.
const LETTERS = '0123456789abcdefghjkmnpqrstvwxyz'

/**
 * A new run's id: 14 letters, the first six by time, so that ids sort by age and their beginnings differ soon. The others
 * are chance: of ten thousand ids made in one second, two are the same once in twenty thousand times.
 */
export function newRunId(now = Date.now()): string {
  let time = Math.floor(now / 1000)
  let text = ''
  for (let i = 0; i < 6; i++) {
    text = LETTERS[time % 32] + text
    time = Math.floor(time / 32)
  }
  for (const byte of randomBytes(8)) text += LETTERS[byte % 32]
  return text
}

/** What a run is called until its driver, who has the flow's code, gives it the name that the flow gives its runs. */
export function placeholderName(flow: string, id: string): string {
  return `${flow}-${id.slice(-6)}`
}
