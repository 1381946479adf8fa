import { bytes, describeIssues, UserError } from '@millrace/sdk'
import { z } from 'zod'

/**
 * The run contract: what a process in a container is told by its environment. `infra/components/process-environment.ts`
 * and the launchers write it. What is empty counts as left out.
 */
const shape = z.object({
  /** Id of the flow run to drive; for a worker, of the run whose tasks alone it runs. */
  MILLRACE_RUN: z.string().optional(),
  /** Which launch of that run this process is of: when the run is launched again, it is not for this one any more. */
  MILLRACE_LAUNCH: number('a whole number, 1 or more', (value) => Number.isInteger(value) && value >= 1).optional(),
  /** How the tasks of that run are run: threads then get ready while the database is opened. */
  MILLRACE_EXECUTOR: z.enum(['inline', 'threads', 'cluster']).optional(),
  /** Of the runs: `postgres://…`, or a Cloud SQL instance, `cloudsql://PROJECT:REGION:INSTANCE/DATABASE`. */
  MILLRACE_DATABASE: z.string().optional(),
  /** When a flow is run by hand: the database whose workers run its tasks. */
  MILLRACE_WORKERS: z.string().optional(),
  /** The flow's code: `file:` or `gs:`, its name the SHA-256 of what is in it. It is not fetched when the image has it. */
  MILLRACE_BUNDLE: z
    .string()
    .regex(/^[a-z0-9]+:.*\/[a-z][a-z0-9-]*\/[0-9a-f]{64}\.mjs$/, 'must be the URL of a bundle: gs://…/FLOW/SHA256.mjs')
    .optional(),
  /** Where a worker finds the code of any run: the URL of a folder with `FLOW/SHA256.mjs`. */
  MILLRACE_BUNDLES: z
    .string()
    .regex(/^[a-z0-9]+:./, 'must be the URL of a folder or bucket: gs://…')
    .optional(),
  /** Tasks at once; one for each processor where it is left out. */
  MILLRACE_SLOTS: number('a whole number, 1 or more', (value) => Number.isInteger(value) && value >= 1).optional(),
  /** Most memory of one task: `2 GiB`. */
  MILLRACE_TASK_MEMORY: z.string().transform(readBytes).optional(),
  /** What a worker has, for tasks that ask for it: `gpu,highmem`. */
  MILLRACE_LABELS: z
    .string()
    .transform((text) => text.split(',').filter(Boolean))
    .default([]),
  /** How long running tasks may take after SIGTERM. */
  MILLRACE_DRAIN_SECONDS: number('seconds, 0 or more', (value) => value >= 0).default(600),
  /** Name of the worker cluster that a worker belongs to: it runs tasks of the runs that are sent there, and no others. */
  MILLRACE_CLUSTER: z.string().optional(),
  /** Version of each secret at Secret Manager, by the secret's name, as JSON. */
  MILLRACE_SECRETS: z.string().transform(readVersions).default({}),
  /** The environment whose config a flow gets when it is run by hand. */
  MILLRACE_ENV: z.string().default('dev'),
})

export type Contract = z.infer<typeof shape>

/** @throws UserError naming the first variable that is wrong; its hint names the others */
export function readContract(environment: NodeJS.ProcessEnv): Contract {
  return readEnvironment(shape, environment)
}

/**
 * Reads the variables that a shape names.
 * @throws UserError naming the first variable that is wrong; its hint names the others
 */
export function readEnvironment<Shape extends z.ZodObject>(
  shape: Shape,
  environment: NodeJS.ProcessEnv,
): z.output<Shape> {
  const given = Object.fromEntries(
    Object.keys(shape.shape).flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])),
  )
  const read = shape.safeParse(given)
  if (read.success) return read.data
  const [first = '', ...others] = describeIssues(shape, given, read.error.issues, (path) => path)
  throw new UserError(first, others.join('\n') || undefined)
}

/** @throws UserError when a variable is not set that a program cannot do without */
export function required(contract: Contract, name: 'MILLRACE_RUN' | 'MILLRACE_DATABASE' | 'MILLRACE_BUNDLE'): string {
  const value = contract[name]
  if (value !== undefined) return value
  throw new UserError(`${name} is not set`, 'It is part of the run contract: images/README.md.')
}

function number(what: string, isGood: (value: number) => boolean) {
  return z.string().transform((text, context) => {
    const value = Number(text)
    if (text.trim() !== '' && isGood(value)) return value
    context.addIssue({ code: 'custom', message: `must be ${what}`, input: text })
    return z.NEVER
  })
}

function readBytes(text: string, context: z.core.$RefinementCtx<string>): number {
  try {
    return bytes(text)
  } catch {
    context.addIssue({ code: 'custom', message: 'must be an amount such as "2 GiB"', input: text })
    return z.NEVER
  }
}

function readVersions(text: string, context: z.core.$RefinementCtx<string>): Record<string, string> {
  try {
    return z.record(z.string(), z.string()).parse(JSON.parse(text))
  } catch {
    context.addIssue({
      code: 'custom',
      message: 'must be JSON: {"NAME": "projects/PROJECT/secrets/NAME/versions/1"}',
      input: text,
    })
    return z.NEVER
  }
}
