import { isRecord } from '../../plan/planned-resource.ts'
import { containersOf } from '../containers.ts'
import type { ResourcePolicy } from '../policy.ts'
import { at, type Found } from '../values.ts'

const CPU = /^(\d+(?:\.\d{1,3})?)(m?)$/
const MEMORY = /^(\d+(?:\.\d+)?)(|[kMGTPE]|[KMGTPE]i)$/
const POWERS = ' kMGTPE'

/** What Kubernetes and Cloud Run read, in CPUs and bytes. */
const READERS: Readonly<Record<string, { readonly read: (text: string) => number | undefined; readonly fix: string }>> =
  {
    cpu: { read: cpus, fix: 'write CPUs or thousandths: "2", "500m"' },
    memory: { read: bytes, fix: 'write an amount with its unit: "512Mi", "4Gi"' },
    'ephemeral-storage': { read: bytes, fix: 'write an amount with its unit: "512Mi", "4Gi"' },
  }
const LEAST_MEMORY = 2 ** 20

export const quantities: ResourcePolicy = {
  name: 'quantities',
  description:
    'CPU and memory of containers are written as Kubernetes and Cloud Run read them, requests within limits.',
  reason: '"512MB" is refused; "512m" of memory is half a byte, and is not.',
  *resource(resource) {
    for (const { path, container } of containersOf(resource)) {
      for (const key of ['requests', 'limits']) {
        const amounts = at(container, `resources.${key}`)
        if (!isRecord(amounts)) continue
        for (const [what, amount] of Object.entries(amounts)) {
          const reader = READERS[what]
          if (!reader || (typeof amount !== 'string' && typeof amount !== 'number')) continue
          const property = `${path}.resources.${key}.${what}`
          const read = reader.read(String(amount))
          if (read === undefined || (what !== 'cpu' && read < LEAST_MEMORY)) {
            yield { property, wrong: `is "${amount}"`, fix: reader.fix }
          }
        }
      }
      for (const [what, { read }] of Object.entries(READERS)) {
        const [request, limit] = ['requests', 'limits'].map((key) =>
          amountOf(at(container, `resources.${key}`), what, read),
        )
        if (request === undefined || limit === undefined || request <= limit) continue
        yield {
          property: `${path}.resources.requests.${what}`,
          wrong: 'is more than the limit',
          fix: 'raise the limit, or lower the request',
        }
      }
    }
  },
}

function amountOf(amounts: Found, what: string, read: (text: string) => number | undefined): number | undefined {
  const amount = isRecord(amounts) ? amounts[what] : undefined
  return typeof amount === 'string' || typeof amount === 'number' ? read(String(amount)) : undefined
}

function cpus(text: string): number | undefined {
  const [, amount, milli] = CPU.exec(text) ?? []
  return amount === undefined ? undefined : Number(amount) / (milli ? 1000 : 1)
}

function bytes(text: string): number | undefined {
  const [, amount, unit = ''] = MEMORY.exec(text) ?? []
  if (amount === undefined) return undefined
  const power = unit === '' ? 0 : POWERS.toLowerCase().indexOf(unit.charAt(0).toLowerCase())
  return Number(amount) * (unit.endsWith('i') ? 1024 : 1000) ** power
}
