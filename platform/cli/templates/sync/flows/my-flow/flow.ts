import { flow, log, UserError } from '@millrace/sdk'
import { z } from 'zod'
import { type Copied, copy } from './copy.ts'
import { record } from './manifest.ts'
import { plan } from './plan.ts'

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
      full: z.boolean().default(false).describe('Copy all, also what has not changed'),
      compare: z
        .enum(['content', 'size'])
        .default('content')
        .describe('How a change is seen: "content" reads every object, "size" misses changes that keep the size'),
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
    runOn: { cpu: 1, memory: '1 GiB' },
    timeout: '12 hours',
  },
  async ({ prefix, full, compare, ...given }, { config }) => {
    const source = given.source ?? config.source
    const sink = given.sink ?? config.sink
    if (source === sink) throw new UserError(`${source} is both source and sink: there is nothing to copy`)
    const { objects, unchanged } = await plan({ source, sink, prefix, full, compare })
    const settled = await copy.mapSettled(objects, source, sink)
    const copied = settled.flatMap((each): Copied[] => (each.status === 'fulfilled' && each.value ? [each.value] : []))
    const failed = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
    await record(sink, copied)
    const counts = { copied: copied.length, unchanged: unchanged + settled.length - copied.length - failed.length }
    log.info('synced', { ...counts, failed: failed.length, bytes: copied.reduce((sum, { size }) => sum + size, 0) })
    const [first] = failed
    if (first) {
      throw new Error(`${failed.length} of ${settled.length} objects were not copied; the first: ${first.message}`)
    }
    return counts
  },
)
