import { itemsOf, type Value } from './value.ts'

/** Stands for what only a run can tell. */
const UNKNOWN = '…'

/** What is worth drawing of a task's options, in words. */
export function settingsOf(options: ReadonlyMap<string, Value>): string[] {
  const retries = textOf(options.get('retries'))
  const timeout = textOf(options.get('timeout'))
  const labels = listOf(options.get('labels'))
  const limit = textOf(options.get('limit'))
  return [
    ...(retries && retries !== '0' ? [retries === '1' ? '1 retry' : `${retries} retries`] : []),
    ...(timeout ? [`timeout ${timeout}`] : []),
    ...(limit && limit !== 'Infinity' ? [`at most ${limit} at once`] : []),
    ...(labels ? [`labels ${labels}`] : []),
  ]
}

function textOf(value: Value | undefined): string | undefined {
  return value && value.text !== 'undefined' ? (value.text ?? UNKNOWN) : undefined
}

function listOf(value: Value | undefined): string | undefined {
  if (!value) return undefined
  return (
    itemsOf(value)
      ?.map((item) => item.text ?? UNKNOWN)
      .join(', ') ?? UNKNOWN
  )
}
