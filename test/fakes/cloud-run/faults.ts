import type { Answer, Ask } from '../serve.ts'

const BROKEN: Answer = { status: 200, body: 'never read', breakAfter: 0 }

/** How requests to a fake go wrong, as a test wants it. */
export class Faults {
  /** `METHOD host/path` of each request so far. */
  readonly asked: string[] = []
  readonly #failing: { readonly match: RegExp; readonly answer: Answer }[] = []
  readonly #losing: RegExp[] = []
  #left = Number.POSITIVE_INFINITY

  /** Answers the next requests whose method and path match with this; nothing is done. */
  failNext(match: RegExp, answer: Answer, times = 1): void {
    for (let i = 0; i < times; i++) this.#failing.push({ match, answer })
  }

  /** Does what the next requests that match ask for, and breaks the connection before the answer. */
  loseAnswer(match: RegExp, times = 1): void {
    for (let i = 0; i < times; i++) this.#losing.push(match)
  }

  /** Answers so many requests more, does one more without an answer, and then breaks every connection; until {@link mend}. */
  cutAfter(requests: number): void {
    this.#left = requests
  }

  mend(): void {
    this.#left = Number.POSITIVE_INFINITY
    this.#failing.length = 0
    this.#losing.length = 0
  }

  /** An answer as it comes through. */
  pass(ask: Ask, answerTo: (ask: Ask) => Answer): Answer {
    const line = `${ask.method} ${ask.url.pathname.slice(1)}`
    this.asked.push(line)
    const left = this.#left--
    if (left < 0) return BROKEN
    const failed = take(this.#failing, ({ match }) => match.test(line))
    if (failed) return failed.answer
    const answer = answerTo(ask)
    const isLost = left === 0 || take(this.#losing, (match) => match.test(line))
    return isLost ? { ...answer, breakAfter: 0 } : answer
  }
}

/** Takes the first that fits out of a list. */
function take<T>(list: T[], fits: (each: T) => boolean): T | undefined {
  const index = list.findIndex(fits)
  return index < 0 ? undefined : list.splice(index, 1)[0]
}
