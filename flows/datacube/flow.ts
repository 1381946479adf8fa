import { flow } from '@millrace/sdk'
import { type DatacubeSummary, makeDatacube } from './make-datacube.ts'
import { params } from './params.ts'

export type { DatacubeSummary }

export default flow(
  {
    name: 'datacube',
    description: 'Turns parquet files of places, times and values into time series, statistics and map tiles.',
    params,
    runName: ({ model_id, run_id }) => `datacube ${model_id} ${run_id}`,
    owner: 'data platform',
    contact: 'data-platform@example.org',
    sources: ['parquet files: local, https:, gs:, s3:'],
    sinks: ['file:', 'gs:', 's3:'],
    runOn: { cpu: 4, memory: '4 GiB' },
    timeout: '12 hours',
    labels: [],
  },
  (params, run): Promise<DatacubeSummary> => makeDatacube(params, run),
)
