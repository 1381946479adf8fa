/**
 * Makes one call of many: what is asked for in the same turn of the event loop, or while a call is under way,
 * is asked for together.
 * @param together answers in the order of the questions
 */
export function gather<Question, Answer>(
  together: (questions: readonly Question[]) => Promise<readonly Answer[]>,
  most = 1000,
): (question: Question) => Promise<Answer> {
  interface Waiting {
    readonly question: Question
    readonly resolve: (answer: Answer) => void
    readonly reject: (error: unknown) => void
  }
  const waiting: Waiting[] = []
  let going = false

  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      const now = waiting.splice(0, most)
      try {
        const answers = await together(now.map(({ question }) => question))
        now.forEach(({ resolve }, i) => {
          resolve(answers[i] as Answer)
        })
      } catch (error) {
        for (const { reject } of now) reject(error)
      }
    }
    going = false
  }
  return (question) =>
    new Promise((resolve, reject) => {
      waiting.push({ question, resolve, reject })
      if (going) return
      going = true
      setImmediate(() => void drain())
    })
}
