/** JSON as Postgres takes it: it has no zero bytes in text, and no halves of characters. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'string' ? plainText(item) : item))
}

/** Text as Postgres takes it. */
export function plainText(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed()
  return whole.includes('\0') ? whole.replaceAll('\0', '\\0') : whole
}
