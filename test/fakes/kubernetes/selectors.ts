import { Refusal } from './refusal.ts'

/** `a=b,c!=d,e` over labels. */
export function matchesLabels(selector: string | null, labels: Readonly<Record<string, string>> = {}): boolean {
  return terms(selector).every((term) => {
    const [, key = '', operator, value] = /^([^!=]+?)(?:(!=|==?)(.*))?$/.exec(term) ?? []
    if (operator === undefined) return key in labels
    return (labels[key] === value) === (operator !== '!=')
  })
}

/** `a.b=c,d=e` over those fields of an object that the API lets be selected by. */
export function matchesFields(selector: string | null, object: object, allowed: readonly string[]): boolean {
  return terms(selector).every((term) => {
    const [path = '', value] = term.split('=')
    if (!allowed.includes(path)) throw new Refusal(400, 'BadRequest', `field label not supported: ${path}`)
    return fieldOf(object, path) === value
  })
}

function terms(selector: string | null): string[] {
  return (selector ?? '').split(',').filter(Boolean)
}

function fieldOf(object: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined), object)
}
