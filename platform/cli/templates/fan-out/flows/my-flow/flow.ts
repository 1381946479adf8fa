import { flow, log } from '@millrace/sdk'
import { z } from 'zod'
import { measure } from './measure.ts'
import { plan } from './plan.ts'
import { reduce } from './reduce.ts'

/** The stores of production. */
const prod = {
  source: 'SOURCE',
  sink: 'SINK',
}

export default flow(
  {
    name: 'my-flow',
    description: 'DESCRIPTION',
    owner: 'OWNER',
    contact: 'CONTACT',
    sources: [prod.source],
    sinks: [prod.sink],
    params: z.object({
      prefix: z.string().default('').describe('Only objects whose path starts so'),
      source: z.string().optional().describe('Store URL to read, in place of that of the environment'),
      sink: z.string().optional().describe('Store URL to write to, in place of that of the environment'),
    }),
    config: {
      // Small data on this machine, to work on the flow; before dev is deployed it needs stores of its own.
      dev: {
        source: 'file:flows/my-flow/fixtures/data',
        sink: 'file:out/my-flow',
      },
      prod,
    },
    runOn: { cpu: 1, memory: '2 GiB' },
    timeout: '6 hours',
  },
  async ({ prefix, ...given }, { config }) => {
    const source = given.source ?? config.source
    const sink = given.sink ?? config.sink
    const parts = await plan(source, prefix)
    const tallies = await measure.map(parts, source)
    const { stations, leftOut } = await reduce(tallies, sink)
    log.info('measured', { parts: parts.length, stations: stations.length, leftOut })
    return { parts: parts.length, stations: stations.length, leftOut }
  },
)
