/** Columns of a terminal that is not too wide to read. */
export const WIDTH = 120

/** Breaks words over lines of a width, of which the first may have another; a word longer than that stays whole. */
export function wrap(words: readonly string[], width: number, firstWidth = width): string[] {
  const lines: string[] = []
  for (const word of words) {
    const last = lines.at(-1)
    const room = lines.length === 1 ? firstWidth : width
    if (last !== undefined && last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** Rows as columns of equal width; what does not fit into the last column goes on below it. */
export function columns(rows: readonly (readonly string[])[], indent: string, width = WIDTH): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  return rows.flatMap((row) => {
    const before = row
      .slice(0, -1)
      .map((cell, i) => `${cell.padEnd(widths[i] ?? 0)}  `)
      .join('')
    const last = wrap((row.at(-1) ?? '').split(' '), Math.max(30, width - indent.length - before.length))
    return last.length === 0
      ? [`${indent}${before}`.trimEnd()]
      : last.map((text, i) => `${indent}${i === 0 ? before : ' '.repeat(before.length)}${text}`.trimEnd())
  })
}
