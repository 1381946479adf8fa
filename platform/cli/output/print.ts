/** Prints a text and ends its line. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

/** Facts about one thing, a line each; those without a value are left out. */
export function factLines(facts: readonly (readonly [name: string, value: string | number | undefined])[]): string {
  const shown = facts.filter(([, value]) => value !== undefined && value !== '')
  const width = Math.max(...shown.map(([name]) => name.length))
  return shown.map(([name, value]) => `${name.padEnd(width)} ${value}`).join('\n')
}

/** How soon something is, in a word: `in 12 s`, `in 3 min`, `in 2 days`. */
export function inTime(time: number | undefined, now = Date.now()): string {
  if (time === undefined) return ''
  const seconds = Math.max(0, Math.round((time - now) / 1000))
  if (seconds < 60) return `in ${seconds} s`
  if (seconds < 3600) return `in ${Math.floor(seconds / 60)} min`
  if (seconds < 2 * 86_400) return `in ${Math.floor(seconds / 3600)} h`
  return `in ${Math.floor(seconds / 86_400)} days`
}

/** A time as clocks of a time zone show it: `Tue 2026-11-24 08:45 Europe/Berlin`. */
export function zonedTime(time: number | Date, timezone: string): string {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  const parts = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, value]))
  const { weekday, year, month, day, hour, minute } = parts
  return `${weekday} ${year}-${month}-${day} ${hour}:${minute} ${timezone}`
}
