import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import type { DatacubeSummary } from './make-datacube.ts'
import { page } from './report/page.ts'
import { readOutput } from './report/read-output.ts'

/** How a feature is named in the report. */
const featureText = z.object({
  title: z.string().optional(),
  /** For instance "minutes". */
  unit: z.string().optional(),
  /** Colours meet at 0. @default where the values lie on both sides of it */
  diverging: z.boolean().optional(),
})

/** Words for the report, where ids are not enough. */
export const reportText = z.object({
  title: z.string().optional(),
  subtitle: z.string().optional(),
  /** Where the data is from. */
  source: z.string().optional(),
  features: z.record(z.string(), featureText).default({}),
})
export type ReportText = z.input<typeof reportText>

export interface ReportOptions {
  /** Folder of one run's output: `{bucket}/{model_id}/{run_id}`. */
  readonly folder: string
  /** Where the page is written. */
  readonly file: string
  readonly text?: ReportText
  /** What the flow returned, for the headline. */
  readonly summary?: DatacubeSummary
}

/**
 * Writes one self-contained HTML page about the output of a run: headline numbers, time series, a map of one layer of
 * tiles, extremes. It needs nothing else, neither a server nor the network.
 * @returns its size in bytes
 */
export async function writeReport({ folder, file, text = {}, summary }: ReportOptions): Promise<number> {
  const output = await readOutput(folder)
  const html = page(output, reportText.parse(text), summary)
  writeFileSync(file, html)
  return Buffer.byteLength(html)
}

if (import.meta.main) {
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { text: { type: 'string' } } })
  const [folder, file] = positionals
  if (!folder || !file) {
    console.error('usage: node flows/datacube/report.ts OUTPUT_FOLDER FILE.html [--text texts.json]')
    process.exitCode = 2
  } else {
    const { readFileSync } = await import('node:fs')
    const text = values.text === undefined ? {} : (JSON.parse(readFileSync(values.text, 'utf8')) as ReportText)
    console.log(`${file}: ${await writeReport({ folder, file, text })} bytes`)
  }
}
