import { access } from '../access.ts'
import type { Fault } from '../check.ts'
import type { Plan } from '../planned-resource.ts'

/** Two resources that would be one thing in the cloud: the second cannot be made, or each undoes the other. */
export function namesakes(plan: Plan): Fault[] {
  const things = plan.resources.flatMap(({ urn, type, provider, existing, known }) =>
    known.id === undefined || existing
      ? []
      : [
          {
            urn,
            thing: JSON.stringify([type, type.startsWith('kubernetes:') ? provider : '', known.id]),
            named: known.id,
          },
        ],
  )
  const grants = access(plan).map(({ urn, identity, role, on, condition }) => ({
    urn,
    thing: JSON.stringify([identity, role, on, condition]),
    named: `${role} on ${on} for ${identity}`,
  }))
  return [...repeated(things, 'is'), ...repeated(grants, 'grants')]
}

interface Thing {
  readonly urn: string
  readonly thing: string
  readonly named: string
}

function repeated(things: readonly Thing[], verb: string): Fault[] {
  return [...Map.groupBy(things, ({ thing }) => thing).values()].flatMap(([first, ...others]) =>
    others
      .filter(({ urn }) => urn !== first?.urn)
      .map(({ urn, named }) => ({
        urn,
        message: `${verb} ${named}, as ${first?.urn.split('::').at(-1)} is already; ${verb === 'is' ? 'give it another name' : 'remove one'}`,
      })),
  )
}
