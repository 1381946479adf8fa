import type { ResourcePolicy } from '../policy.ts'
import { itemsAt, numberAt } from '../values.ts'

const SHARES: Readonly<Record<string, string>> = {
  'gcp:cloudrunv2/service:Service': 'traffics',
  'gcp:cloudrunv2/workerPool:WorkerPool': 'instanceSplits',
}

export const cloudRunTraffic: ResourcePolicy = {
  name: 'cloud-run-traffic',
  description: 'The shares that revisions get add up to 100.',
  reason: 'Google refuses any other sum, when the service is made.',
  *resource({ type, inputs }) {
    const property = SHARES[type]
    if (property === undefined) return
    const shares = itemsAt(inputs, property)
    const percents = shares.map(({ value }) => numberAt(value, 'percent') ?? 0)
    const sum = percents.reduce((all, each) => all + each, 0)
    if (shares.length > 0 && sum !== 100) {
      yield { property, wrong: `adds up to ${sum} percent`, fix: 'make it 100' }
    }
  },
}
