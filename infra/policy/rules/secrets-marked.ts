import { SecretValue } from '../../plan/planned-resource.ts'
import { leaves } from '../../plan/walk.ts'
import type { ResourcePolicy } from '../policy.ts'
import { isSecretPlace } from '../secret-places.ts'

export const secretsMarked: ResourcePolicy = {
  name: 'secrets-marked',
  description: 'The value of a secret is marked as one wherever it is given to the provider.',
  reason: 'What is not marked stands in the state, the plan and the log of every up as plain text.',
  needsSecretMarks: true,
  *resource({ type, inputs }) {
    for (const { path, value } of leaves(inputs)) {
      if (!isSecretPlace(type, path) || value instanceof SecretValue || value === null || value === '') continue
      // Never the value itself: the message is printed. One that is known only later is plain text then.
      yield { property: path, wrong: 'is not marked as secret', fix: 'wrap it in pulumi.secret(…)' }
    }
  },
}
