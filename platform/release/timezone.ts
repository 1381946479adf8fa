import { nearest } from '@millrace/sdk'
import { z } from 'zod'

/** Name of a time zone in the IANA database, as it is written there: `Europe/Berlin`, `UTC`. */
export const timezone = z.string().check((context) => {
  const fault = timezoneFault(context.value)
  if (fault !== undefined) context.issues.push({ code: 'custom', message: fault, input: context.value })
})

/** What is wrong with the name of a time zone; undefined when nothing is. */
export function timezoneFault(name: string): string | undefined {
  const canonical = canonicalName(name)
  if (canonical === undefined) {
    const near = nearest(name, Intl.supportedValuesOf('timeZone'))
    return `must be the name of a time zone (${near ? `did you mean "${near}"?` : 'such as "Europe/Berlin" or "UTC"'})`
  }
  // Readers differ in whether "europe/berlin" is a time zone.
  if (canonical !== name && canonical.toLowerCase() === name.toLowerCase()) return `must be written "${canonical}"`
  return undefined
}

function canonicalName(name: string): string | undefined {
  // An offset has no summer and no winter; not every reader takes one.
  if (!/^[A-Za-z]/.test(name)) return undefined
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone
  } catch {
    return undefined
  }
}
