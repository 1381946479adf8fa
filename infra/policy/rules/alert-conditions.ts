import type { ResourcePolicy } from '../policy.ts'
import { at, itemsAt, textAt } from '../values.ts'

/** The API has others in its schema, and refuses them for thresholds. */
const COMPARISONS = ['COMPARISON_GT', 'COMPARISON_LT']

export const alertConditions: ResourcePolicy = {
  name: 'alert-conditions',
  description: 'Alerts compare by what Monitoring takes, name metric and resource, and log alerts limit their mail.',
  reason: 'Only Google reads filters and comparisons, when the policy is made.',
  *resource({ type, inputs }) {
    if (type !== 'gcp:monitoring/alertPolicy:AlertPolicy') return
    const conditions = itemsAt(inputs, 'conditions')
    for (const { path, value } of conditions) {
      const comparison = textAt(value, 'conditionThreshold.comparison')
      if (comparison !== undefined && !COMPARISONS.includes(comparison)) {
        yield {
          property: `${path}.conditionThreshold.comparison`,
          wrong: `is "${comparison}", which Google refuses`,
          fix: `use ${COMPARISONS.join(' or ')}`,
        }
      }
      for (const kind of ['conditionThreshold', 'conditionAbsent']) {
        const filter = textAt(value, `${kind}.filter`)
        for (const part of ['metric.type', 'resource.type']) {
          if (filter === undefined || new RegExp(String.raw`\b${part.replace('.', '\\.')}\s*(?:=|:|!=)`).test(filter))
            continue
          yield { property: `${path}.${kind}.filter`, wrong: `names no ${part}`, fix: `add ${part}="…"` }
        }
      }
    }
    const ofLogs = conditions.filter(({ value }) => at(value, 'conditionMatchedLog') !== undefined)
    if (ofLogs.length === 0) return
    if (at(inputs, 'alertStrategy.notificationRateLimit') === undefined) {
      yield {
        property: 'alertStrategy.notificationRateLimit',
        wrong: 'is missing, which an alert on log lines must have',
        fix: 'add { period: "300s" }',
      }
    }
    if (conditions.length > 1) {
      yield {
        property: 'conditions',
        wrong: 'has another one beside that on log lines',
        fix: 'make a policy of each',
      }
    }
  },
}
