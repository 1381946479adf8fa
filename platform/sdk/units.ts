import { UserError } from './errors.ts'

const MILLISECONDS = {
  ms: 1,
  millisecond: 1,
  s: 1000,
  second: 1000,
  minute: 60_000,
  min: 60_000,
  hour: 3_600_000,
  h: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
} as const

const BYTES = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
} as const

type DurationUnit = keyof typeof MILLISECONDS | `${'millisecond' | 'second' | 'minute' | 'hour' | 'day' | 'week'}s`

/** A length of time as a person writes it: `"10 minutes"`, `"1.5 hours"`, `"250 ms"`. */
export type Duration = `${number} ${DurationUnit}`

/** An amount of memory or data as a person writes it: `"4 GiB"`, `"500 MB"`. */
export type ByteSize = `${number} ${keyof typeof BYTES}`

/**
 * Reads a {@link Duration}.
 * @param what names the field in the error, for instance `task measure: timeout`
 * @returns milliseconds
 * @throws UserError when the text is not a length of time
 */
export function milliseconds(text: string, what = 'duration'): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/.exec(text)
  const unit = match?.[2] ?? ''
  // Words have a plural; the short forms "ms", "s" and "h" do not.
  const factor = lookUp(MILLISECONDS, unit) ?? lookUp(MILLISECONDS, unit.replace(/(?<=...)s$/, ''))
  if (!match || factor === undefined) {
    throw new UserError(`${what}: expected a length of time such as "10 minutes", got "${text}"`)
  }
  return Number(match[1]) * factor
}

/**
 * Reads a {@link ByteSize}.
 * @returns bytes
 * @throws UserError when the text is not an amount of memory
 */
export function bytes(text: string, what = 'size'): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*$/.exec(text)
  const factor = lookUp(BYTES, match?.[2] ?? '')
  if (!match || factor === undefined) {
    throw new UserError(`${what}: expected an amount of memory such as "4 GiB", got "${text}"`)
  }
  return Math.round(Number(match[1]) * factor)
}

function lookUp<T extends object>(table: T, key: string): T[keyof T] | undefined {
  return Object.hasOwn(table, key) ? table[key as keyof T] : undefined
}

/** Writes milliseconds for a person to read: `850 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(ms: number): string {
  // The bounds are those of the rounded numbers, so that none is written "1000 ms" or "60 s".
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_500) return `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`
  const seconds = Math.round(ms / 1000)
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** Writes bytes for a person to read, in binary units: `512 B`, `4.0 MiB`. */
export function formatBytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let [value, power] = [count, 0]
  for (; value >= 1023.95 && power < units.length - 1; power++) value /= 1024
  return `${value.toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}
