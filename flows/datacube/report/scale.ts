/** Classes of a colour scale. */
export const CLASSES = 7

/** Puts numbers into classes 0 … {@link CLASSES} - 1, that are coloured by the style sheet. */
export interface Scale {
  readonly diverging: boolean
  /** Upper limits of all classes but the last. */
  readonly limits: readonly number[]
  classOf(value: number): number
}

/**
 * A scale whose classes hold about equally many of the values. A diverging one has its middle class around 0, and as
 * many limits on each side of it, at the same distances.
 */
export function scaleOf(values: readonly number[], diverging?: boolean): Scale {
  const sorted = [...values].sort((a, b) => a - b)
  const isDiverging = diverging ?? ((sorted[0] ?? 0) < 0 && (sorted.at(-1) ?? 0) > 0)
  const limits = isDiverging ? symmetricLimits(sorted) : quantileLimits(sorted, CLASSES - 1)
  return {
    diverging: isDiverging,
    limits,
    classOf: (value) => {
      const at = limits.findIndex((limit) => value < limit)
      return at === -1 ? limits.length : at
    },
  }
}

function symmetricLimits(sorted: readonly number[]): number[] {
  const sizes = sorted.map(Math.abs).sort((a, b) => a - b)
  const half = quantileLimits(sizes, (CLASSES - 1) / 2)
  return [...half.map((limit) => -limit).reverse(), ...half]
}

/** Limits between classes, rounded, no two the same. */
function quantileLimits(sorted: readonly number[], count: number): number[] {
  const limits: number[] = []
  for (let index = 1; index <= count; index++) {
    const limit = rounded(sorted[Math.floor((sorted.length * index) / (count + 1))] ?? 0)
    if (limit > (limits.at(-1) ?? Number.NEGATIVE_INFINITY)) limits.push(limit)
  }
  return limits
}

/** Two significant digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(2))
}

/** Round numbers that cover a range, about `count` of them. */
export function ticks(least: number, most: number, count: number): number[] {
  const span = most - least || Math.abs(most) || 1
  const raw = span / count
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= raw) ?? raw
  const first = Math.floor(least / step)
  const last = Math.max(Math.ceil(most / step), first + 1)
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step)
}
