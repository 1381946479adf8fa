import { GOOGLE_NAMES } from '../google-names.ts'
import type { ResourcePolicy } from '../policy.ts'
import { at } from '../values.ts'

const AUTOMATIC = '-0123456'

export const googleNames: ResourcePolicy = {
  name: 'google-names',
  description: 'Names and ids are such as Google takes, also those that Pulumi makes of a logical name.',
  reason: 'The provider checks few of them: Google refuses the others in the middle of an up.',
  *resource({ type, name, inputs }) {
    const rule = GOOGLE_NAMES[type]
    if (!rule) return
    const given = at(inputs, rule.property)
    if (typeof given === 'string' && !rule.pattern.test(given)) {
      yield { property: rule.property, wrong: `is "${given}", which Google refuses`, fix: `use ${rule.says}` }
    }
    const made = type.startsWith('gcp:compute/') ? name.toLowerCase() + AUTOMATIC : name + AUTOMATIC
    if (given === undefined && rule.automatic && !rule.pattern.test(made)) {
      yield {
        property: rule.property,
        wrong: `is missing, and Google refuses what Pulumi would make of the logical name, like "${made}"`,
        fix: `give it, or change the logical name: use ${rule.says}`,
      }
    }
  },
}
