import { isRecord } from '../../plan/planned-resource.ts'
import { labelPropertyOf } from '../label-properties.ts'
import type { ResourcePolicy } from '../policy.ts'
import { stackOf } from '../tree.ts'
import { at, type Found, is, isHidden, isList, pathTo, textAt } from '../values.ts'

/** What Kubernetes calls it by itself will do, too. */
const MANAGED_BY = ['managed-by', 'app.kubernetes.io/managed-by']

export const labelled: ResourcePolicy = {
  name: 'labelled',
  description: 'Everything that takes labels says which stack it is of, and what manages it.',
  reason: 'What it costs and whose it is can be told from the bill; what nobody manages is found.',
  *resource(resource) {
    const property = labelPropertyOf(resource)
    if (property === undefined) return
    const found = at(resource.inputs, property)
    if (isHidden(found)) return
    const labels = isRecord(found) ? found : listed(found)
    const stack = labels.stack
    if (stack !== stackOf(resource) && !isHidden(stack)) {
      yield { property: pathTo(property, 'stack'), wrong: is(stack), fix: `set it to "${stackOf(resource)}"` }
    }
    if (!MANAGED_BY.some((key) => labels[key] !== undefined)) {
      yield { property: pathTo(property, 'managed-by'), wrong: 'is missing', fix: 'set it to "pulumi"' }
    }
  },
}

/** Docker's provider has labels as a list of `{ label, value }`. */
function listed(found: Found): Readonly<Record<string, Found>> {
  if (!isList(found)) return {}
  return Object.fromEntries(found.map((each) => [textAt(each, 'label') ?? '', at(each, 'value')]))
}
