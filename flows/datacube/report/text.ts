/** Text as HTML shows it. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

/** A number for reading: three significant digits, or whole. */
export function number(value: number): string {
  const size = Math.abs(value)
  const digits = size >= 100 || size === 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3
  const text = value.toLocaleString('en', { maximumFractionDigits: digits })
  return (text === '-0' ? '0' : text).replace('-', '−')
}

/** Writes numbers that stand in one table, with the same decimals. */
export function numbersLike(values: readonly number[]): (value: number) => string {
  const most = values.reduce((size, value) => Math.max(size, Math.abs(value)), 0)
  const digits = most >= 100 ? 0 : most >= 10 ? 1 : 2
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits }
  return (value) =>
    value
      .toLocaleString('en', options)
      .replace(/^-(0([.]0*)?)$/, '$1')
      .replace('-', '−')
}

/** A whole number, all digits. */
export function count(value: number): string {
  return value.toLocaleString('en')
}

const MONTH = new Intl.DateTimeFormat('en', { month: 'long', year: 'numeric', timeZone: 'UTC' })
const SHORT_MONTH = new Intl.DateTimeFormat('en', { month: 'short', timeZone: 'UTC' })

/** "January 2001". */
export function month(timestamp: number): string {
  return MONTH.format(timestamp)
}

/** "Jan", with the year under January and the first of a series. */
export function shortMonth(timestamp: number): string {
  return SHORT_MONTH.format(timestamp)
}

export function year(timestamp: number): string {
  return String(new Date(timestamp).getUTCFullYear())
}

/** "USA › Georgia" of "USA__Georgia"; without what all regions have in common. */
export function regionName(id: string, common = ''): string {
  return id
    .slice(id.startsWith(common) ? common.length : 0)
    .split('__')
    .join(' › ')
}

/** The start that all ids share, whole names only: "USA__". */
export function commonRegion(ids: readonly string[]): string {
  const [first = '', ...others] = ids.map((id) => id.split('__'))
  const names = [...first]
  names.pop()
  let shared = 0
  while (shared < names.length && others.every((other) => other[shared] === names[shared])) shared++
  return shared === 0 ? '' : `${names.slice(0, shared).join('__')}__`
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** "7.2 MB". */
export function size(bytes: number): string {
  const power = Math.min(UNITS.length - 1, bytes < 1000 ? 0 : Math.floor(Math.log10(bytes) / 3))
  return `${number(bytes / 1000 ** power)} ${UNITS[power]}`
}
