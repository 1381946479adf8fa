import type { Fault } from '../check.ts'
import type { Plan, Planned } from '../planned-resource.ts'
import { type Leaf, leaves, readable } from '../walk.ts'

/**
 * Values of the config that are encrypted there, and would stand readable in the state and in the cloud. That fields
 * made for secrets are marked is a policy's business.
 */
export function plainSecrets(plan: Plan, secretTexts: readonly string[]): Fault[] {
  const disguises = secretTexts.flatMap((text) => [
    { text, as: text },
    { text, as: Buffer.from(text).toString('base64') },
  ])
  const found = (value: Leaf['value']): string | undefined =>
    disguises.find(({ as }) => readable(value)?.includes(as))?.text
  const shown = (urn: string, values: Planned, what: string): Fault[] =>
    leaves(values).flatMap(({ path, value }) => {
      const text = found(value)
      if (text === undefined) return []
      return [
        { urn, message: `${what}${path} holds ${text} of the config in plain text; mark it with pulumi.secret()` },
      ]
    })
  const [stack] = plan.resources
  return [
    ...plan.resources.flatMap((each) => [
      ...shown(each.urn, each.inputs, ''),
      ...shown(each.urn, each.outputs, 'output '),
    ]),
    ...(stack ? shown(stack.urn, plan.outputs, 'output ') : []),
  ]
}
