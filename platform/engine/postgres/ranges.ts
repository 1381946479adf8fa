/** A notification holds 8000 bytes at most. */
const LONGEST = 7000

/** Numbers as text, runs of them shortened: `0-99,105`; `*` when that would be too long for a notification. */
export function ranges(numbers: readonly number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b)
  const parts: string[] = []
  for (let i = 0; i < sorted.length; ) {
    let j = i
    while (sorted[j + 1] === (sorted[j] as number) + 1) j++
    parts.push(i === j ? `${sorted[i]}` : `${sorted[i]}-${sorted[j]}`)
    i = j + 1
  }
  const text = parts.join(',')
  return text.length > LONGEST ? '*' : text
}

/** The opposite of {@link ranges}; undefined for `*`. */
export function parseRanges(text: string): number[] | undefined {
  if (text === '*') return undefined
  const numbers: number[] = []
  for (const part of text === '' ? [] : text.split(',')) {
    const [from = 0, to = from] = part.split('-').map(Number)
    for (let n = from; n <= to; n++) numbers.push(n)
  }
  return numbers
}
