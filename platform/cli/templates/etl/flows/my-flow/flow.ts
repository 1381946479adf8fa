import { flow, log, store } from '@millrace/sdk'
import { z } from 'zod'
import { clean } from './clean.ts'
import { extract } from './extract.ts'

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
      format: z.enum(['csv', 'parquet']).default('parquet').describe('What is written'),
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
    runOn: { cpu: 2, memory: '4 GiB' },
    timeout: '6 hours',
  },
  async ({ prefix, format, ...given }, { config }) => {
    const source = given.source ?? config.source
    const sink = given.sink ?? config.sink
    const objects = await extract(source, prefix)
    const files = await clean.map(objects, { source, sink, format })
    const read = files.reduce((sum, file) => sum + file.read, 0)
    const written = files.reduce((sum, file) => sum + file.written, 0)
    log.info('cleaned', { files: files.length, read, written, dropped: read - written })
    // Written last: where it is, all else is.
    await store(sink).writeJson('summary.json', { read, written, files })
    return { files: files.length, read, written }
  },
)
