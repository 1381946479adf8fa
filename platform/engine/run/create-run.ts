import { configFor, type Flow, hideSecrets, redact, resolveSecrets } from '@millrace/sdk'
import type { ExecutorKind } from '../executors/executor.ts'
import type { FlowSource } from '../flow-source.ts'
import type { FlowRun, RunStore } from '../store/run-store.ts'

export interface NewFlowRun {
  readonly flow: Flow
  /** Needed by every executor but inline. */
  readonly source?: FlowSource | undefined
  readonly params: unknown
  /** @default "dev" */
  readonly env?: string
  readonly executor: ExecutorKind
  readonly store: RunStore
}

/**
 * Writes down a new run of a flow.
 * @throws UserError when a parameter is wrong, or the flow has no config for the environment; then there is no run
 */
export async function createRun(options: NewFlowRun): Promise<FlowRun> {
  const { definition } = options.flow
  const env = options.env ?? 'dev'
  const given = resolveSecrets(options.params ?? {})
  const params = definition.parse(given)
  configFor(definition, env)
  return options.store.createRun({
    flow: definition.name,
    name: redact(definition.runName(params)),
    params: hideSecrets(given) as Record<string, unknown>,
    env,
    executor: options.executor,
    labels: definition.options.labels ?? [],
    source: options.source,
  })
}
