import type { PlannedResource } from '../../plan/planned-resource.ts'
import type { PlanFault, PlanPolicy } from '../policy.ts'
import { at, itemsAt, textAt } from '../values.ts'

const FLAG = 'cloudsql.iam_authentication'

export const databaseUsers: PlanPolicy = {
  name: 'database-users',
  description: 'Service accounts log in to the database by IAM, under the name that Postgres knows them by.',
  reason:
    'Postgres cuts ".gserviceaccount.com" off the address; under another name, or with the flag off, login fails.',
  *plan({ resources }) {
    const users = resources.filter(({ type }) => type === 'gcp:sql/user:User')
    for (const user of users) yield* userFaults(user)
    if (!users.some(isByIam)) return
    for (const resource of resources) {
      if (resource.type !== 'gcp:sql/databaseInstance:DatabaseInstance') continue
      const flags = itemsAt(resource.inputs, 'settings.databaseFlags').map(({ value }) => value)
      const flag = flags.find((each) => textAt(each, 'name') === FLAG)
      if (flag !== undefined && ['on', undefined].includes(textAt(flag, 'value'))) continue
      yield {
        resource,
        property: 'settings.databaseFlags',
        wrong: `leaves ${FLAG} off, and there are users that log in by it`,
        fix: `add { name: '${FLAG}', value: 'on' }`,
      }
    }
  },
}

function isByIam({ inputs }: PlannedResource): boolean {
  return (textAt(inputs, 'type') ?? '').startsWith('CLOUD_IAM_')
}

function* userFaults(resource: PlannedResource): Generator<PlanFault> {
  const { inputs } = resource
  if (!isByIam(resource)) return
  const name = textAt(inputs, 'name')
  if (
    textAt(inputs, 'type') === 'CLOUD_IAM_SERVICE_ACCOUNT' &&
    name !== undefined &&
    !/^[^@\s]+@[^@\s]+\.iam$/.test(name)
  ) {
    yield {
      resource,
      property: 'name',
      wrong: `is "${name}", which no service account is called in Postgres`,
      fix: 'give its e-mail without ".gserviceaccount.com"',
    }
  }
  for (const property of ['password', 'passwordWo']) {
    if (at(inputs, property) === undefined) continue
    yield { resource, property, wrong: 'is given to a user that logs in by IAM', fix: 'remove it' }
  }
}
