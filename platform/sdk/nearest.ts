/**
 * The word that somebody who wrote `word` may have meant.
 * @returns undefined where none of `words` is within a letter or two of it
 */
export function nearest(word: string, words: readonly string[]): string | undefined {
  // Of a short word two letters are half of it: anything would be near.
  const most = word.length <= 4 ? 1 : 2
  const [best] = words
    .map((other) => ({ other, apart: distance(word, other) }))
    .filter(({ apart }) => apart <= most)
    .sort((a, b) => a.apart - b.apart)
  return best?.other
}

/** Number of letters to insert, delete or replace to make one word of the other (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      next[j] = Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + cost)
    }
    row = next
  }
  return row[b.length] ?? 0
}
