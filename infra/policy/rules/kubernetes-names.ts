import { containersOf } from '../containers.ts'
import type { ResourcePolicy } from '../policy.ts'
import { at, itemsAt, textAt } from '../values.ts'

/** RFC 1035: what a name in DNS may be. */
const SERVICE = {
  pattern: /^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$/,
  says: 'lower-case letters, digits and "-", 63 at most, a letter first, no "-" last',
}
/** RFC 1123. */
const LABEL = {
  pattern: /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/,
  says: 'lower-case letters, digits and "-", 63 at most, none of them "-" at the ends',
}
const CRON_JOB = {
  // It makes jobs, whose names are eleven characters longer.
  pattern: /^[a-z0-9](?:[-a-z0-9]{0,50}[a-z0-9])?$/,
  says: 'lower-case letters, digits and "-", 52 at most, none of them "-" at the ends',
}
const SUBDOMAIN = {
  pattern: /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/,
  says: 'lower-case letters, digits, "-" and ".", 253 at most, a letter or digit at both ends of each part',
}
const PORT = {
  pattern: /^(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*$/,
  says: 'lower-case letters, digits and "-", 15 at most, with a letter in it',
}

/** A pod's name, and a label on it, are made of the names of these. */
const LABELS = ['Namespace', 'Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'Pod', 'ReplicaSet']
const AUTOMATIC = '-01234567'

export const kubernetesNames: ResourcePolicy = {
  name: 'kubernetes-names',
  description: 'Objects, containers and ports in the cluster have names that Kubernetes takes.',
  reason: 'The plan cannot ask the cluster, which is not there yet.',
  *resource(resource) {
    const { type, name, inputs, custom } = resource
    if (!custom || !type.startsWith('kubernetes:')) return
    const kind = type.split(':').at(-1) ?? ''
    // Names of roles and bindings may be any path segment: `system:auth-delegator`.
    if (!type.startsWith('kubernetes:rbac.')) {
      const rule =
        kind === 'Service' ? SERVICE : kind === 'CronJob' ? CRON_JOB : LABELS.includes(kind) ? LABEL : SUBDOMAIN
      const given = at(inputs, 'metadata.name')
      const made = given ?? (at(inputs, 'metadata.generateName') === undefined ? name + AUTOMATIC : undefined)
      if (typeof made === 'string' && !rule.pattern.test(made)) {
        yield { property: 'metadata.name', wrong: `is "${made}"`, fix: `use ${rule.says}` }
      }
    }
    for (const { path, container } of containersOf(resource)) {
      const called = textAt(container, 'name')
      if (called === undefined && at(container, 'name') === undefined) {
        yield { property: `${path}.name`, wrong: 'is missing', fix: 'name the container' }
      }
      if (called !== undefined && !LABEL.pattern.test(called)) {
        yield { property: `${path}.name`, wrong: `is "${called}"`, fix: `use ${LABEL.says}` }
      }
      for (const port of itemsAt(container, 'ports')) {
        const portName = textAt(port.value, 'name')
        if (portName === undefined || PORT.pattern.test(portName)) continue
        yield { property: `${path}.${port.path}.name`, wrong: `is "${portName}"`, fix: `use ${PORT.says}` }
      }
    }
  },
}
