import { isRecord, type PlannedResource } from '../../plan/planned-resource.ts'
import type { Fault, ResourcePolicy } from '../policy.ts'
import { at, is, isHidden, textAt } from '../values.ts'

/** Claims of GitHub that a condition must hold to a number. */
const NUMERIC = ['repository_id', 'repository_owner_id']

export const federationCondition: ResourcePolicy = {
  name: 'federation-condition',
  description:
    'A federation provider believes tokens of one repository only, named by the numbers of it and its owner.',
  reason:
    'GitHub signs tokens for everybody: without a condition every repository in the world gets in, and a name in a condition can be taken over once it is given up.',
  *resource(resource) {
    const { type, inputs } = resource
    if (type !== 'gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider') return
    yield* conditionFaults(resource)
    const mapping = at(inputs, 'attributeMapping')
    if (!isHidden(mapping) && !(isRecord(mapping) && mapping['google.subject'] !== undefined)) {
      yield {
        property: 'attributeMapping["google.subject"]',
        wrong: 'is missing, which Google refuses',
        fix: 'map it: "assertion.sub"',
      }
    }
  },
}

function* conditionFaults({ inputs }: PlannedResource): Generator<Fault> {
  const condition = at(inputs, 'attributeCondition')
  if (typeof condition !== 'string' || condition.trim() === '') {
    // Not even an unknown one will do: what lets somebody in has to be read before it does.
    yield { property: 'attributeCondition', wrong: is(condition), fix: 'write who may come in; it must be known' }
    return
  }
  if (!(textAt(inputs, 'oidc.issuerUri') ?? '').includes('githubusercontent.com')) return
  for (const claim of NUMERIC) {
    if (holds(condition, claim)) continue
    yield {
      property: 'attributeCondition',
      wrong: `does not hold ${claim} to a number`,
      fix: `add: && assertion.${claim} == "123456789"`,
    }
  }
  if (/\|\||\?|!/.test(condition)) {
    yield {
      property: 'attributeCondition',
      wrong: 'has "||", "?" or "!", by which a token may pass that no number holds',
      fix: 'join all parts with "&&", and put choices into attributeMapping',
    }
  }
}

function holds(condition: string, claim: string): boolean {
  return new RegExp(String.raw`\b(?:assertion|attribute)\.${claim}\s*==\s*(["'])\d+\1`).test(condition)
}
