import { stableJson } from './stable-json.ts'

/** A field of a deployment that is another than it was. */
export interface FieldChange {
  readonly field: string
  readonly from: unknown
  readonly to: unknown
}

/** A deployment that is another than it was. */
export interface DeploymentChange {
  readonly name: string
  readonly change: 'new' | 'changed' | 'removed'
  /** Of one that is changed. */
  readonly fields: readonly FieldChange[]
}

type Deployments = Readonly<Record<string, object>>

/** What differs between two sets of deployments, in order of name. */
export function compareDeployments(before: Deployments, after: Deployments): DeploymentChange[] {
  return namesIn(before, after).flatMap((name): DeploymentChange[] => {
    const [old, now] = [before[name], after[name]]
    if (!old || !now) return [{ name, change: old ? 'removed' : 'new', fields: [] }]
    const fields = compareFields(old, now)
    return fields.length > 0 ? [{ name, change: 'changed', fields }] : []
  })
}

/** What differs between two objects of the same kind, field by field. */
export function compareFields(before: object, after: object): FieldChange[] {
  const [old, now] = [before, after].map((each) => new Map<string, unknown>(Object.entries(each)))
  return namesIn(before, after).flatMap((field) => {
    const [from, to] = [old?.get(field), now?.get(field)]
    return same(from, to) ? [] : [{ field, from, to }]
  })
}

function same(a: unknown, b: unknown): boolean {
  return stableJson({ value: a }) === stableJson({ value: b })
}

function namesIn(before: object, after: object): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
}
