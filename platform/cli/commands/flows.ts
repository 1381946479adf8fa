import { flowNames, loadFlow } from '@millrace/engine'
import type { FlowOptions } from '@millrace/sdk'
import { table } from '../output/table.ts'
import { paramsSchema } from '../params.ts'
import { root } from '../project.ts'

interface Described extends Omit<FlowOptions, 'params' | 'runName'> {
  readonly params: unknown
}

/** `millrace flows` */
export async function listFlows({ json }: { json?: boolean }): Promise<void> {
  const flows: (Described | { name: string; error: string })[] = []
  for (const name of flowNames(root)) {
    try {
      flows.push(await describe(name))
    } catch (error) {
      // One flow that does not load must not hide the others.
      flows.push({ name, error: (error as Error).message })
    }
  }
  if (json) process.stdout.write(`${JSON.stringify(flows, null, 2)}\n`)
  else if (flows.length === 0) process.stdout.write('There is no flow here yet: make flows/NAME/flow.ts.\n')
  else {
    const rows = flows.map((flow) => [
      flow.name,
      'error' in flow ? `does not load: ${flow.error}` : (flow.description ?? ''),
    ])
    process.stdout.write(`${table([['FLOW', 'WHAT IT DOES'], ...rows])}\n`)
  }
  if (flows.some((flow) => 'error' in flow)) process.exitCode = 1
}

/** `millrace flows show FLOW` */
export async function showFlow(name: string, { json }: { json?: boolean }): Promise<void> {
  const flow = await describe(name)
  if (json) {
    process.stdout.write(`${JSON.stringify(flow, null, 2)}\n`)
    return
  }
  const { params, description, name: _name, ...rest } = flow
  process.stdout.write(`${name}${description ? `: ${description}` : ''}\n`)
  for (const [key, value] of Object.entries(rest)) {
    process.stdout.write(`  ${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}\n`)
  }
  const { properties = {}, required = [] } = params as {
    properties?: Record<string, { type?: string; default?: unknown; description?: string; enum?: unknown[] }>
    required?: string[]
  }
  const rows = Object.entries(properties).map(([key, schema]) => [
    key,
    schema.enum ? schema.enum.join(' | ') : (schema.type ?? 'any'),
    required.includes(key) ? '(required)' : (JSON.stringify(schema.default) ?? ''),
    schema.description ?? '',
  ])
  process.stdout.write(
    rows.length > 0 ? `\n${table([['PARAMETER', 'TYPE', 'DEFAULT', ''], ...rows])}\n` : '\nNo parameters.\n',
  )
}

async function describe(name: string): Promise<Described> {
  const { flow } = await loadFlow(root, name)
  const { params: _params, runName: _runName, ...rest } = flow.options
  return { ...rest, params: paramsSchema(flow) }
}
