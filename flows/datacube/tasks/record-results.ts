import { skip, task } from '@millrace/sdk'
import type { Output, Written } from '../output-writer.ts'
import { OutputWriter } from '../output-writer.ts'
import type { Results } from '../results.ts'

/** Writes results.json, which tells readers that the output is complete. */
export const recordResults = task(
  'record_results',
  async (results: Results | undefined, output: Output): Promise<Written | undefined> => {
    if (!results) return skip('only some of the outputs were asked for')
    const writer = new OutputWriter(output)
    writer.add('results/results.json', JSON.stringify(results))
    await writer.flush()
    return writer.written
  },
)
