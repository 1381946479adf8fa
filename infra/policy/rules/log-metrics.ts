import { isRecord } from '../../plan/planned-resource.ts'
import type { ResourcePolicy } from '../policy.ts'
import { at, itemsAt, pathTo, textAt } from '../values.ts'

export const logMetrics: ResourcePolicy = {
  name: 'log-metrics',
  description: 'Each label of a metric of log lines is both described and extracted, and a distribution has a value.',
  reason: 'The provider passes on half of the two; Google refuses it.',
  *resource({ type, inputs }) {
    if (type !== 'gcp:logging/metric:Metric') return
    const extractors = at(inputs, 'labelExtractors')
    const extracted = isRecord(extractors) ? Object.keys(extractors) : []
    const described = itemsAt(inputs, 'metricDescriptor.labels').flatMap(({ value }) => textAt(value, 'key') ?? [])
    for (const key of extracted.filter((each) => !described.includes(each))) {
      yield {
        property: pathTo('labelExtractors', key),
        wrong: 'has no label in the descriptor',
        fix: `add { key: '${key}' } to metricDescriptor.labels`,
      }
    }
    for (const key of described.filter((each) => !extracted.includes(each))) {
      yield {
        property: 'metricDescriptor.labels',
        wrong: `has ${key}, which nothing extracts`,
        fix: `add ${key} to labelExtractors`,
      }
    }
    const isDistribution = textAt(inputs, 'metricDescriptor.valueType') === 'DISTRIBUTION'
    if (isDistribution && at(inputs, 'valueExtractor') === undefined) {
      yield {
        property: 'valueExtractor',
        wrong: 'is missing for a distribution',
        fix: 'say where the value is: EXTRACT(jsonPayload.seconds)',
      }
    }
  },
}
