import { z } from 'zod'
import { UserError } from './errors.ts'
import { parseParams } from './params.ts'
import { currentScope, type RunInfo, type Scope, withScope } from './scope.ts'
import { resolveSecrets } from './secret.ts'
import { type ByteSize, bytes, type Duration, milliseconds } from './units.ts'

/** Machine for a flow's driver. */
export interface RunOn {
  launcher?: 'process' | 'docker' | 'kubernetes' | 'cloud-run' | 'vertex'
  cpu?: number
  memory?: ByteSize
  gpu?: number
  machineType?: string
  spot?: boolean
}

/** Workers of a run's own; `count: 0` runs the tasks on threads of the driver. */
export interface Workers {
  count: number
  cpu?: number
  memory?: ByteSize
  gpu?: number
  spot?: boolean
}

/** When the flow runs by itself, in stacks that enable schedules. */
export interface Schedule {
  /** Five fields: minute, hour, day of month, month, day of week. */
  cron: string
  /** An IANA name. @default "UTC" */
  timezone?: string
  params?: Record<string, unknown>
}

/** What a flow is: everything but its code. Only `name` is required. */
export interface FlowOptions<P extends z.ZodType = z.ZodType, C = unknown> {
  /** Lower-case letters, digits and "-"; also the name of the flow's folder. */
  name: string
  /** What it is for; a flow that is deployed must say so, and whose it is. */
  description?: string
  /** Parameters, as a zod object; input is checked against it, and bad input names the field. @default none */
  params?: P
  /** Name of one run, from its parameters. @default the flow's name and a few random letters */
  runName?: (params: z.output<P>) => string
  owner?: string
  contact?: string
  /** Where the data comes from, and where it goes; a flow that is deployed must say so, `[]` where there is none. */
  sources?: string[]
  sinks?: string[]
  runOn?: RunOn
  workers?: Workers
  schedule?: Schedule
  /** Only agents that carry all of these labels take the run. @default [] */
  labels?: string[]
  /** @default "default" */
  queue?: string
  /** Names of the secrets the flow may read. @default [] */
  secrets?: string[]
  /** Longest time a run may take. @default none */
  timeout?: Duration
  /** Settings per environment, found as `run.config`. Where given, an environment that is not in it is an error. */
  config?: Record<string, C>
}

/** A flow: call it in a test, or let `millrace run` do it. */
export interface Flow<P extends z.ZodType = z.ZodType, C = unknown, R = unknown> {
  /**
   * Runs the flow function here and now: in a test on its own, in another flow as part of that run.
   * @throws UserError when a parameter is wrong
   */
  (params?: z.input<P>): Promise<R>
  readonly definition: FlowDefinition
  readonly options: FlowOptions<P, C>
}

/** What the engine knows of a flow. */
export interface FlowDefinition {
  readonly name: string
  readonly options: FlowOptions
  /** Milliseconds. */
  readonly timeout: number | undefined
  /** Checks input against the flow's parameters. @throws UserError naming the parameter */
  parse(input: unknown): Record<string, unknown>
  /** Name of a run with these (checked) parameters. */
  runName(params: unknown): string
  /** The author's function. */
  readonly body: (params: unknown, run: RunInfo) => unknown
}

const NO_PARAMS = z.object({})

/**
 * Makes a flow: metadata and a function. Export it as default from `flows/NAME/flow.ts`.
 *
 * @example
 * export default flow({ name: 'hello', params: z.object({ who: z.string().default('world') }) }, async ({ who }) => {
 *   log.info(await greet(who))
 * })
 * @throws UserError when the metadata is wrong
 */
export function flow<P extends z.ZodType = typeof NO_PARAMS, C = unknown, R = unknown>(
  options: FlowOptions<P, C>,
  body: (params: z.output<P>, run: RunInfo & { readonly config: C }) => R,
): Flow<P, C, Awaited<R>> {
  const { name } = options
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]{0,49}$/.test(name)) {
    throw new UserError(
      `flow "${name}": a name starts with a letter and is made of lower-case letters, digits and "-", 50 at most`,
    )
  }
  if (typeof body !== 'function') throw new UserError(`flow ${name}: expected a function as the second argument`)
  for (const [field, memory] of [
    ['runOn.memory', options.runOn?.memory],
    ['workers.memory', options.workers?.memory],
  ] as const) {
    if (memory !== undefined) bytes(memory, `flow ${name}: ${field}`)
  }
  const schema: z.ZodType = options.params ?? NO_PARAMS
  const definition: FlowDefinition = {
    name,
    options: options as FlowOptions,
    timeout: options.timeout === undefined ? undefined : milliseconds(options.timeout, `flow ${name}: timeout`),
    parse: (input) => parseParams(name, schema, input),
    runName: (params) =>
      options.runName?.(params as z.output<P>) ?? `${name}-${Math.random().toString(36).slice(2, 8)}`,
    body: (params, run) => body(params as z.output<P>, run as RunInfo & { readonly config: C }),
  }
  const call = async (input?: z.input<P>): Promise<Awaited<R>> => {
    const params = definition.parse(input ?? {})
    const around = currentScope()
    const scope = around ? scopeInside(around, definition, params) : scopeOutsideRuns(definition, params)
    return withScope(scope, () =>
      body(params as z.output<P>, scope.run as RunInfo & { readonly config: C }),
    ) as Awaited<R>
  }
  return Object.assign(call, { definition, options })
}

/**
 * The settings of a flow for one environment, with `secret://` references resolved.
 * @throws UserError when the flow has settings, but none for `env`
 */
export function configFor(definition: FlowDefinition, env: string): unknown {
  const { config } = definition.options
  if (!config) return undefined
  if (!Object.hasOwn(config, env)) {
    throw new UserError(
      `flow ${definition.name}: there is no config for the environment "${env}"`,
      `It has: ${Object.keys(config).join(', ')}. Choose one with --env or MILLRACE_ENV.`,
    )
  }
  return resolveSecrets(config[env])
}

/** A flow called in another one, as part of its run: the same run, but its own parameters and settings. */
function scopeInside(scope: Scope, definition: FlowDefinition, params: unknown): Scope {
  return { ...scope, run: { ...scope.run, params, config: configFor(definition, scope.run.env) } }
}

/** A whole flow called as a function, with no engine around it: tasks run in place, nothing is recorded. */
function scopeOutsideRuns(definition: FlowDefinition, params: unknown): Scope {
  const env = process.env.MILLRACE_ENV ?? 'dev'
  return {
    run: {
      id: 'none',
      flow: definition.name,
      name: definition.runName(params),
      params,
      env,
      attempt: 1,
      config: configFor(definition, env),
      scratch: process.env.MILLRACE_SCRATCH ?? 'file:.millrace/scratch/none',
    },
    signal: new AbortController().signal,
    log: () => {},
    progress: () => {},
  }
}
