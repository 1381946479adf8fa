import { randomBytes } from 'node:crypto'

// Without letters that are mistaken for others when read aloud.
const LETTERS = '0123456789abcdefghjkmnpqrstvwxyz'

/** A new run's id: 12 letters, the first ones by time, so that ids sort by age and their beginnings differ soon. */
export function newRunId(now = Date.now()): string {
  let time = Math.floor(now / 1000)
  let text = ''
  for (let i = 0; i < 6; i++) {
    text = LETTERS[time % 32] + text
    time = Math.floor(time / 32)
  }
  for (const byte of randomBytes(6)) text += LETTERS[byte % 32]
  return text
}
