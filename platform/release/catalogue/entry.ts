import { formatBytes, formatDuration } from '@millrace/sdk'
import type { FlowManifest } from '../manifest.ts'
import { type ParameterRow, parameterRows } from './parameter-rows.ts'

/** What the catalogue says of a flow, in words. */
export interface CatalogueEntry {
  readonly name: string
  readonly description: string
  readonly owner: string
  readonly contact: string
  readonly facts: readonly (readonly [name: string, values: readonly string[]])[]
  readonly parameters: readonly ParameterRow[]
}

export function catalogueEntry(manifest: FlowManifest): CatalogueEntry {
  const { name, description, owner, contact, sources, sinks, schedule, runOn, workers, queue, timeout } = manifest
  const facts: CatalogueEntry['facts'] = [
    ['Sources', orNone(sources)],
    ['Sinks', orNone(sinks)],
    ['Schedule', [schedule ? `${schedule.cron} (${schedule.timezone})${given(schedule.params)}` : 'none']],
    ['Environments', manifest.environments ?? ['all']],
    ['Runs on', [[runOn.launcher, runOn.machineType, ...machine(runOn)].filter(Boolean).join(', ') || 'the default']],
    ['Workers', [workers.count === 0 ? 'threads of the driver' : [`${workers.count}`, ...machine(workers)].join(', ')]],
    ['Queue', [queue]],
    ['Labels', orNone(manifest.labels)],
    ['Secrets', orNone(manifest.secrets)],
    ['Timeout', [timeout === undefined ? 'none' : formatDuration(timeout)]],
  ]
  return { name, description, owner, contact, facts, parameters: parameterRows(manifest.params) }
}

function orNone(values: readonly string[]): readonly string[] {
  return values.length > 0 ? values : ['none']
}

function given(params: Readonly<Record<string, unknown>>): string {
  return Object.keys(params).length > 0 ? ` with ${JSON.stringify(params)}` : ''
}

function machine({ cpu, memory, gpu, spot }: FlowManifest['workers'] | FlowManifest['runOn']): string[] {
  return [
    ...(cpu === undefined ? [] : [`${cpu} CPU`]),
    ...(memory === undefined ? [] : [formatBytes(memory)]),
    ...(gpu ? [`${gpu} GPU`] : []),
    ...(spot ? ['spot'] : []),
  ]
}
