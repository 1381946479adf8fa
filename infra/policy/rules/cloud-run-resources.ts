import { containersOf } from '../containers.ts'
import type { ResourcePolicy } from '../policy.ts'
import { at, numberAt, textAt } from '../values.ts'

export const cloudRunResources: ResourcePolicy = {
  name: 'cloud-run-resources',
  description:
    'A Cloud Run service with less than one CPU takes one request at a time, on CPU that comes with requests.',
  reason: 'Google refuses everything else with a part of a CPU, when the revision is made.',
  *resource(resource) {
    const { type, inputs } = resource
    if (type !== 'gcp:cloudrunv2/service:Service') return
    for (const { path, container } of containersOf(resource)) {
      const cpu = cpus(textAt(container, 'resources.limits.cpu'))
      if (cpu === undefined || cpu >= 1) continue
      if ((numberAt(inputs, 'template.maxInstanceRequestConcurrency') ?? 1) > 1) {
        yield {
          property: 'template.maxInstanceRequestConcurrency',
          wrong: 'is more than 1 with less than one CPU',
          fix: `set it to 1, or ${path}.resources.limits.cpu to "1"`,
        }
      }
      if (at(container, 'resources.cpuIdle') === false) {
        yield {
          property: `${path}.resources.cpuIdle`,
          wrong: 'is false with less than one CPU',
          fix: 'set it to true, or the limit of cpu to "1"',
        }
      }
      if (textAt(inputs, 'template.executionEnvironment') === 'EXECUTION_ENVIRONMENT_GEN2') {
        yield {
          property: 'template.executionEnvironment',
          wrong: 'is the second generation with less than one CPU',
          fix: 'leave it out, or set the limit of cpu to "1"',
        }
      }
    }
  },
}

function cpus(quantity: string | undefined): number | undefined {
  const [, amount, milli] = /^(\d+(?:\.\d+)?)(m?)$/.exec(quantity ?? '') ?? []
  return amount === undefined ? undefined : Number(amount) / (milli ? 1000 : 1)
}
