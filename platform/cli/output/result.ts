/** What a person is shown of a result; all of it is printed with `--json`. */
const SHOWN = 4000

/** What a flow returned, as a person reads it. */
export function resultText(result: unknown): string {
  const text = typeof result === 'string' ? result : JSON.stringify(result, bigInts, 2)
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}\n… (--json prints all of it)` : text
}

/** Lets JSON have big ints, as text. */
export function bigInts(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value
}
