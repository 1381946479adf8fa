import type { Plan, PlannedResource } from '../../plan/planned-resource.ts'
import { DATA_TYPES, SWITCHES } from '../data-types.ts'
import type { PlanFault, PlanPolicy } from '../policy.ts'
import { at, is, isHidden, numberAt } from '../values.ts'

/**
 * The program exports `isProtected`: what the stack's config says. With `true` all that holds data is protected in every way
 * there is; with `false` nothing is, so that one `up` and one `destroy` take the stack down.
 */
export const dataProtected: PlanPolicy = {
  name: 'data-protected',
  description: 'What holds data is protected from deletion in every way there is; or, by one config value, in none.',
  reason: 'A mistake in the program must not be able to delete a database; half a protection stops a wanted destroy.',
  *plan(plan) {
    const { isProtected } = plan.outputs
    if (typeof isProtected !== 'boolean') {
      yield {
        property: 'output isProtected',
        wrong: is(isProtected),
        fix: 'export whether millrace:protect is on, as true or false',
      }
      return
    }
    yield* isProtected ? unprotected(plan) : leftProtected(plan)
  },
}

function* unprotected(plan: Plan): Generator<PlanFault> {
  for (const resource of plan.resources.filter(({ type }) => DATA_TYPES.includes(type))) {
    const { type, inputs } = resource
    if (!resource.protect) yield { resource, property: 'protect', wrong: 'is false', fix: 'set it to place.protect' }
    for (const { property } of SWITCHES[type] ?? []) {
      const value = at(inputs, property)
      if (value !== true && !isHidden(value)) yield { resource, property, wrong: is(value), fix: 'set it to true' }
    }
    if (type === 'gcp:storage/bucket:Bucket') yield* emptiable(resource)
    if (type === 'gcp:bigquery/dataset:Dataset' && at(inputs, 'deleteContentsOnDestroy') === true) {
      yield { resource, property: 'deleteContentsOnDestroy', wrong: 'is true', fix: 'set it to false' }
    }
  }
}

function* emptiable(resource: PlannedResource): Generator<PlanFault> {
  const { inputs } = resource
  if (at(inputs, 'forceDestroy') === true) {
    yield { resource, property: 'forceDestroy', wrong: 'is true', fix: 'remove it while the stack is protected' }
  }
  const versioned = at(inputs, 'versioning.enabled')
  if (versioned === true || isHidden(versioned)) return
  if ((numberAt(inputs, 'softDeletePolicy.retentionDurationSeconds') ?? 0) > 0) return
  yield {
    resource,
    property: 'versioning.enabled',
    wrong: `${is(versioned)}, and there is no softDeletePolicy either`,
    fix: 'set one of them, so that what was deleted can be brought back',
  }
}

function* leftProtected(plan: Plan): Generator<PlanFault> {
  for (const resource of plan.resources) {
    if (resource.protect) {
      yield {
        resource,
        property: 'protect',
        wrong: 'is true, though the stack is not protected',
        fix: 'set it to place.protect',
      }
    }
    for (const { property, isOn } of SWITCHES[resource.type] ?? []) {
      const value = at(resource.inputs, property)
      if (value === false || isHidden(value) || (value === undefined && !isOn)) continue
      yield {
        resource,
        property,
        wrong: `${is(value)}, though the stack is not protected`,
        fix: 'set it to false, or destroy stops there',
      }
    }
  }
}
