import type { PlannedResource } from '../../plan/planned-resource.ts'
import type { ResourcePolicy } from '../policy.ts'
import { at, type Found, isList, itemsAt } from '../values.ts'

/** Private ranges (RFC 1918, RFC 6598, RFC 4193) and the two from which Google checks the health of backends. */
const INSIDE =
  /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd]|35\.191\.|130\.211\.)/
const SHORTEST_PREFIX = 8

export const closedFirewall: ResourcePolicy = {
  name: 'closed-firewall',
  description: 'No firewall rule lets anything in from the internet.',
  reason: 'What is not allowed is denied; a rule for the internet is open to everybody who looks for open ports.',
  *resource(resource) {
    const ranges = allowedFrom(resource)
    if (ranges === undefined) return
    if (ranges.from === undefined) {
      yield { property: ranges.property, wrong: 'is missing, which is the whole internet', fix: 'name private ranges' }
    }
    for (const { path, value } of itemsAt(resource.inputs, ranges.property)) {
      if (typeof value !== 'string' || isPrivate(value)) continue
      yield { property: path, wrong: `is ${JSON.stringify(value)}, on the internet`, fix: 'name a private range' }
    }
  },
}

/** Where a rule that lets traffic in takes it from; undefined for other rules and resources. */
function allowedFrom({ type, inputs }: PlannedResource): { property: string; from: Found } | undefined {
  const isIngress = (at(inputs, 'direction') ?? 'INGRESS') === 'INGRESS'
  if (at(inputs, 'disabled') === true || !isIngress) return undefined
  if (type === 'gcp:compute/firewall:Firewall') {
    if (!isList(at(inputs, 'allows'))) return undefined
    const byIdentity = at(inputs, 'sourceTags') ?? at(inputs, 'sourceServiceAccounts')
    return { property: 'sourceRanges', from: at(inputs, 'sourceRanges') ?? byIdentity }
  }
  if (/^gcp:compute\/\w*[fF]irewallPolicyRule:/.test(type) && at(inputs, 'action') === 'allow') {
    const byTag = at(inputs, 'match.srcSecureTags') ?? at(inputs, 'match.srcAddressGroups')
    return { property: 'match.srcIpRanges', from: at(inputs, 'match.srcIpRanges') ?? byTag }
  }
  return undefined
}

function isPrivate(range: string): boolean {
  const [, length = '32'] = range.split('/')
  return INSIDE.test(range.toLowerCase()) && Number(length) >= SHORTEST_PREFIX
}
