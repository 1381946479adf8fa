import { isRecord } from '../../plan/planned-resource.ts'
import { labelPropertyOf } from '../label-properties.ts'
import type { ResourcePolicy } from '../policy.ts'
import { at, pathTo } from '../values.ts'

const GOOGLE = {
  key: /^[a-z][a-z0-9_-]{0,62}$/,
  value: /^[a-z0-9_-]{0,63}$/,
  fix: 'use lower-case letters, digits, "_" and "-", 63 at most; a key begins with a letter',
}
const KUBERNETES = {
  key: /^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
  value: /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/,
  fix: 'use letters, digits, "-", "_" and ".", 63 at most, a letter or digit at both ends',
}
const MOST = 64
/** Labels of what a resource makes, besides its own. */
const INNER = ['template.labels', 'nodeConfig.resourceLabels']
const KUBERNETES_INNER = ['spec.template.metadata.labels', 'spec.selector.matchLabels']

export const validLabels: ResourcePolicy = {
  name: 'valid-labels',
  description: 'Labels are written as Google and Kubernetes take them.',
  reason: 'The provider passes them on; what is wrong fails in the middle of an up.',
  *resource(resource) {
    const own = labelPropertyOf(resource)
    if (own === undefined) return
    const isKubernetes = resource.type.startsWith('kubernetes:')
    const { key: goodKey, value: goodValue, fix } = isKubernetes ? KUBERNETES : GOOGLE
    for (const property of new Set([own, ...(isKubernetes ? KUBERNETES_INNER : INNER)])) {
      const labels = at(resource.inputs, property)
      if (!isRecord(labels)) continue
      for (const [key, value] of Object.entries(labels)) {
        if (!goodKey.test(key)) yield { property: pathTo(property, key), wrong: 'has a key that is refused', fix }
        if (typeof value !== 'string' || goodValue.test(value)) continue
        yield { property: pathTo(property, key), wrong: `is ${JSON.stringify(value)}, which is refused`, fix }
      }
      if (!isKubernetes && Object.keys(labels).length > MOST) {
        yield { property, wrong: `has more than ${MOST} labels`, fix: 'remove some' }
      }
    }
  },
}
