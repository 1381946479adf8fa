import { SWITCHES } from '../data-types.ts'
import type { ResourcePolicy } from '../policy.ts'
import { at } from '../values.ts'

export const deletionDecided: ResourcePolicy = {
  name: 'deletion-decided',
  description: 'Where deletion protection is on by default, the program says whether it is.',
  reason: 'Left out it stops every replacement and every destroy, until an up of its own has turned it off.',
  *resource({ type, inputs }) {
    for (const { property, isOn } of SWITCHES[type] ?? []) {
      if (!isOn || at(inputs, property) !== undefined) continue
      yield {
        property,
        wrong: 'is missing, which is true',
        fix: 'set it to place.protect where there is data, else to false',
      }
    }
  },
}
