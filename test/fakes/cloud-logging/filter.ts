/**
 * The part of the logging query language that is needed: comparisons of a field with a text, or with one of several,
 * joined by AND. https://cloud.google.com/logging/docs/view/logging-query-language
 */
export interface Comparison {
  readonly field: readonly string[]
  readonly values: readonly string[]
}

/** @returns undefined where it is not of that language */
export function parseFilter(filter: string): Comparison[] | undefined {
  const comparisons: Comparison[] = []
  for (const part of filter.split(/ AND /)) {
    const [, field = '', one, several] = /^([a-zA-Z_.]+)=(?:("[^"]*")|\(([^)]*)\))$/.exec(part.trim()) ?? []
    const values = one === undefined ? several?.split(' OR ') : [one]
    if (!values?.every((value) => /^"[^"]*"$/.test(value))) return undefined
    comparisons.push({ field: field.split('.'), values: values.map((value) => value.slice(1, -1)) })
  }
  return comparisons
}

export function matches(entry: unknown, { field, values }: Comparison): boolean {
  let value = entry
  for (const name of field) value = (value as Record<string, unknown> | undefined)?.[name]
  return values.includes(String(value))
}
