import { containersOf, variablesOf } from '../containers.ts'
import type { ResourcePolicy } from '../policy.ts'
import { at, textAt } from '../values.ts'

/** Set by Cloud Run itself (container runtime contract). */
const RESERVED = /^(?:PORT|K_\w+|CLOUD_RUN_\w+|X_GOOGLE_\w+)$/

export const cloudRunEnvironment: ResourcePolicy = {
  name: 'cloud-run-environment',
  description: 'Environment variables at Cloud Run have a name of their own, once, and one source.',
  reason: 'Google refuses names it sets itself, a variable with two sources, and one that is there twice.',
  *resource(resource) {
    if (!resource.type.startsWith('gcp:cloudrunv2/')) return
    for (const container of containersOf(resource)) {
      const names = new Set<string>()
      for (const { path, value } of variablesOf(container)) {
        const name = textAt(value, 'name')
        if (name !== undefined && RESERVED.test(name)) {
          yield { property: `${path}.name`, wrong: `is "${name}", which Cloud Run sets itself`, fix: 'remove it' }
        }
        if (name !== undefined && !/^[A-Za-z_]\w*$/.test(name)) {
          yield { property: `${path}.name`, wrong: `is "${name}"`, fix: 'use letters, digits and "_", no digit first' }
        }
        if (name !== undefined && names.has(name)) {
          yield { property: `${path}.name`, wrong: `is "${name}" a second time`, fix: 'remove one of the two' }
        }
        if (name !== undefined) names.add(name)
        if (at(value, 'value') !== undefined && at(value, 'valueSource') !== undefined) {
          yield { property: path, wrong: 'has both value and valueSource', fix: 'leave one of them out' }
        }
      }
    }
  },
}
