/** The `Status` with which the API says what it did not do (k8s.io/apimachinery/pkg/api/errors). */
export class Refusal extends Error {
  readonly code: number
  readonly reason: string
  readonly details: object | undefined

  constructor(code: number, reason: string, message: string, details?: object) {
    super(message)
    this.code = code
    this.reason = reason
    this.details = details
  }

  get body(): object {
    const { code, reason, message, details } = this
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code }
  }
}

export function notFound(resource: string, name: string): Refusal {
  return new Refusal(404, 'NotFound', `${resource} "${name}" not found`, { name, kind: resource })
}

export function alreadyExists(resource: string, name: string, isGoing: boolean): Refusal {
  const words = isGoing
    ? `object is being deleted: ${resource} "${name}" already exists`
    : `${resource} "${name}" already exists`
  return new Refusal(409, 'AlreadyExists', words, { name, kind: resource })
}

/** @param causes `FIELD: WHAT` */
export function invalid(kind: string, name: string, causes: readonly string[]): Refusal {
  const all = causes.length === 1 ? causes[0] : `[${causes.join(', ')}]`
  return new Refusal(422, 'Invalid', `${kind} "${name}" is invalid: ${all}`, { name, kind })
}

/** @param user as the API calls who asks */
export function forbidden(
  user: string,
  verb: string,
  group: string,
  resource: string,
  namespace: string,
  name = '',
): Refusal {
  const of = group === '' ? resource : `${resource}.${group}`
  const what = name === '' ? of : `${of} "${name}"`
  return new Refusal(
    403,
    'Forbidden',
    `${what} is forbidden: User "${user}" cannot ${verb} resource "${resource}" in API group "${group}" in the namespace "${namespace}"`,
    { name, group, kind: resource },
  )
}
