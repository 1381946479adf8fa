import { z } from 'zod'

/** The outputs one may choose among; the names are those of the tasks that make them. */
export const OUTPUT_TASKS = [
  'compute_global_timeseries',
  'compute_regional_stats',
  'compute_regional_timeseries',
  'compute_regional_aggregation',
  'compute_tiles',
] as const
export type OutputTask = (typeof OUTPUT_TASKS)[number]

const count = z.int().min(0)

/** Limits on what is made for qualifiers that have many values. */
export const qualifierThresholds = z.object({
  max_count: count.default(10_000).describe('A qualifier with more values than this is left out.'),
  regional_timeseries_count: count
    .default(100)
    .describe('With more values than this, a qualifier has no regional time series.'),
  regional_timeseries_max_level: z
    .int()
    .min(-1)
    .default(1)
    .describe('Deepest level with regional time series by qualifier: 0 country, 1 admin1, -1 none.'),
})
export type QualifierThresholds = z.output<typeof qualifierThresholds>

/** Parameters of the flow. Names and defaults are part of stored parameter sets: they do not change. */
export const params = z.object({
  model_id: z.string().min(1).describe('First folder of the output.'),
  run_id: z.string().min(1).describe('Second folder of the output; "indicator" for indicators, by convention.'),
  data_paths: z
    .array(z.string().min(1))
    .describe('Parquet files: paths from the working folder, or file:, https:, gs: or s3: URLs.'),
  raw_count_threshold: count.default(10_000).describe('Features with more rows than this get no raw.csv.'),
  is_indicator: z.boolean().default(false).describe('Write to indicator_bucket, without a summary of all times.'),
  qualifier_map: z
    .record(z.string(), z.array(z.string()))
    .default({})
    .describe('Feature to the qualifier columns it is to be split by.'),
  indicator_bucket: z.string().default('file:out/indicators').describe('Store URL for indicators.'),
  model_bucket: z.string().default('file:out/models').describe('Store URL for models.'),
  fill_timestamp: z.number().default(0).describe('Milliseconds since 1970 for rows without a timestamp.'),
  weight_column: z.string().default('').describe('Column with the weight of each row; empty for none.'),
  selected_output_tasks: z
    .array(z.enum(OUTPUT_TASKS))
    .nullable()
    .default(null)
    .describe('Make only these outputs, and no results.json.'),
  qualifier_thresholds: qualifierThresholds.prefault({}),
  source: z
    .object({
      endpoint_url: z.string().optional(),
      region_name: z.string().optional(),
      key: z.string().optional(),
      secret: z.string().optional(),
    })
    .prefault({})
    .describe('Where s3: inputs are read from; key and secret may be secret:// references.'),
})
export type Params = z.output<typeof params>

/** Whether an output was asked for. Nothing selected means everything. */
export function isSelected(params: Params, task: OutputTask): boolean {
  return !params.selected_output_tasks?.length || params.selected_output_tasks.includes(task)
}

/** Whether all outputs were asked for: only then is there a results.json. */
export function isWhole(params: Params): boolean {
  return OUTPUT_TASKS.every((task) => isSelected(params, task))
}
