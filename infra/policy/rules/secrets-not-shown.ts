import { type Planned, SecretValue } from '../../plan/planned-resource.ts'
import { leaves } from '../../plan/walk.ts'
import type { PlanFault, PlanPolicy } from '../policy.ts'
import { isAlwaysMarked, isSecretPlace, mayBeSecret } from '../secret-places.ts'

const FIX = 'put it into Secret Manager, and give the name of its version here'

export const secretsNotShown: PlanPolicy = {
  name: 'secrets-not-shown',
  description:
    'A secret value stands nowhere but where it is kept as a secret: in no label, environment, name or output.',
  reason: 'Everybody who may look at the resource reads it there, and it stays in old revisions and logs.',
  *plan({ resources, outputs }) {
    yield* shown(undefined, { output: outputs })
    for (const resource of resources) {
      // Providers of Pulumi keep what they sign in with as a secret.
      if (!resource.custom || resource.type.startsWith('pulumi:providers:')) continue
      for (const fault of shown(resource, resource.inputs)) {
        const isFine = [isSecretPlace, isAlwaysMarked, mayBeSecret].some((says) => says(resource.type, fault.property))
        if (!isFine) yield fault
      }
    }
  },
}

function* shown(resource: PlanFault['resource'], values: Planned): Generator<PlanFault> {
  for (const { path, value } of leaves(values)) {
    if (!(value instanceof SecretValue)) continue
    yield { ...(resource && { resource }), property: path, wrong: 'shows a secret', fix: FIX }
  }
}
