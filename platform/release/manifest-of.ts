import { bytes, describeIssues, type Flow, type FlowOptions, type RunOn, UserError } from '@millrace/sdk'
import { z } from 'zod'
import { type FlowManifest, flowManifest } from './manifest.ts'

/**
 * The manifest of a flow. A flow that only runs on a laptop needs none of this; one that is released says who owns it,
 * whom to ask, what it is for, and where its data comes from and goes (an empty list where that is nowhere).
 * @throws UserError naming the first field that is missing or wrong; its hint names the others
 */
export function manifestOf(flow: Flow): FlowManifest {
  const { definition, options } = flow
  const candidate = describe(flow)
  const result = flowManifest.safeParse(candidate)
  const where = (path: string): string => `flow ${definition.name}: ${path}`
  if (!result.success) fail(describeIssues(flowManifest, candidate, result.error.issues, where), definition.name)
  const wrong = [...scheduleFaults(flow), ...undeclaredSecrets(options).map((fault) => where(fault))]
  if (wrong.length > 0) fail(wrong, definition.name)
  return result.data
}

function fail(lines: readonly string[], flow: string): never {
  const [first = `flow ${flow}: wrong metadata`, ...rest] = lines
  throw new UserError(first, rest.join('\n') || undefined)
}

/** The options of a flow with defaults filled in and units read, not checked yet. */
function describe({ definition, options }: Flow): Record<string, unknown> {
  const { description, owner, contact, sources, sinks, config, runOn, workers, schedule } = options
  return {
    name: definition.name,
    description,
    owner,
    contact,
    sources,
    sinks,
    params: paramsSchema(options),
    ...(config && { environments: Object.keys(config) }),
    runOn: inBytes(runOn ?? {}),
    workers: inBytes(workers ?? { count: 0 }),
    ...(schedule && { schedule: { timezone: 'UTC', params: {}, ...schedule } }),
    labels: options.labels ?? [],
    queue: options.queue ?? 'default',
    secrets: options.secrets ?? [],
    ...(definition.timeout !== undefined && { timeout: Math.round(definition.timeout) }),
  }
}

function inBytes({ memory, ...rest }: Pick<RunOn, 'memory'>): object {
  return { ...rest, ...(memory !== undefined && { memory: bytes(memory) }) }
}

/** As a person gives them: before defaults and transformations. */
function paramsSchema({ params = z.object({}) }: FlowOptions): unknown {
  const schema = z.toJSONSchema(params, { io: 'input', unrepresentable: 'any' })
  // Without what is there for programs only, such as the schema's own methods.
  return JSON.parse(JSON.stringify(schema))
}

/** What a schedule would start must be a run that can start. */
function scheduleFaults({ definition, options: { schedule } }: Flow): string[] {
  if (!schedule) return []
  try {
    definition.parse(schedule.params ?? {})
    return []
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const prefix = `flow ${definition.name}: `
    const lines = `${error.message}\n${error.hint ?? ''}`.split('\n').filter(Boolean)
    return lines.map((line) =>
      line.startsWith(prefix) ? `${prefix}schedule.params: ${line.slice(prefix.length)}` : line,
    )
  }
}

/** References in the settings to secrets that the flow does not say it reads: in the cloud it may read no others. */
function undeclaredSecrets({ config = {}, secrets = [] }: FlowOptions): string[] {
  return Object.entries(config).flatMap(([environment, settings]) =>
    secretsIn(settings)
      .filter((name) => !secrets.includes(name))
      .map((name) => `config.${environment}: refers to secret://${name}; add "${name}" to the flow's secrets`),
  )
}

function secretsIn(value: unknown): string[] {
  if (typeof value === 'string') return [...value.matchAll(/secret:\/\/([\w-]+)/g)].flatMap(([, name]) => name ?? [])
  if (typeof value !== 'object' || value === null) return []
  return [...new Set(Object.values(value).flatMap(secretsIn))]
}
