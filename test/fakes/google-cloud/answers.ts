import type { Answer, Ask } from '../serve.ts'

export type Json = Readonly<Record<string, unknown>>

export function json(body: unknown, status = 200): Answer {
  return { status, headers: { 'content-type': 'application/json; charset=UTF-8' }, body: JSON.stringify(body) }
}

/** An error as the newer APIs give it. @param info of https://cloud.google.com/apis/design/errors#error_info */
export function refuse(code: number, status: string, message: string, info?: Json): Answer {
  const details = info ? [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', ...info }] : []
  return json({ error: { code, message, status, details } }, code)
}

/** The error for a permission that is missing, as IAM gives it. */
export function refusePermission(permission: string, resource: string): Answer {
  const message = `Permission '${permission}' denied on resource '${resource}' (or it may not exist).`
  const info = { reason: 'IAM_PERMISSION_DENIED', domain: 'iam.googleapis.com', metadata: { permission, resource } }
  return refuse(403, 'PERMISSION_DENIED', message, info)
}

/** An error as Cloud Storage gives it. */
export function refuseStorage(code: number, reason: string, message: string): Answer {
  return json({ error: { code, message, errors: [{ message, domain: 'global', reason }] } }, code)
}

export function bodyOf({ body }: Ask): Record<string, unknown> {
  return body.length > 0 ? (JSON.parse(body.toString()) as Record<string, unknown>) : {}
}

/** As PATCH does it: objects are merged, anything else is replaced. */
export function merge(old: Json, patch: Json): Record<string, unknown> {
  const changed = Object.entries(patch).map(([key, value]) => {
    const before = old[key]
    return [key, isObject(before) && isObject(value) ? merge(before, value) : value]
  })
  return { ...old, ...Object.fromEntries(changed) }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null
}
