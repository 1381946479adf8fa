/** How Google's clients are to call: once, for retries are the caller's (patient.ts), or the next look's. */
export const ONCE = { retry: null, timeout: 60_000 }
/** Of a method that gives pages one after the other. */
export const PAGES = { ...ONCE, autoPaginate: false }
