import { LAUNCHERS, poolSettings } from '@millrace/agents'
import { z } from 'zod'
import { readEnvironment } from '../runtime/contract.ts'

const list = z
  .string()
  .transform((text) => text.split(',').filter(Boolean))
  .default([])
const whole = (least: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number, ${least} or more`)
    .transform(Number)
    .refine((value) => value >= least, `must be a whole number, ${least} or more`)

const pools = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown
    } catch {
      context.addIssue({ code: 'custom', message: 'must be JSON: {"CLUSTER": {"pool": "NAME", …}}', input: text })
      return z.NEVER
    }
  })
  .pipe(poolSettings)

/** What an agent in a container is told by its environment; `infra/components/agent.ts` writes it. Empty is left out. */
const shape = z.object({
  /** Its name in the stack's config. */
  MILLRACE_AGENT: z.string().default('agent'),
  MILLRACE_LAUNCHER: z.enum(LAUNCHERS),
  /** What it has, for runs that ask for it: `etl,gpu`. */
  MILLRACE_LABELS: list,
  /** Runs going at once. */
  MILLRACE_LIMIT: whole(1).optional(),
  MILLRACE_DATABASE: z.string(),
  /** The same, as its jobs reach it. */
  MILLRACE_JOB_DATABASE: z.string().optional(),
  /** Record store of the releases that it follows. */
  MILLRACE_RELEASES: z.string(),
  /** The stack. */
  MILLRACE_ENV: z.string().default('dev'),
  MILLRACE_STORE: z.string().optional(),
  /** Versions of the secrets that it reads itself, for notices. */
  MILLRACE_SECRETS: z.string().optional(),
  /** The server that mail is sent through (agents/notify/smtp-settings.ts). */
  MILLRACE_SMTP: z.string().optional(),
  /** Runs that wait for longer are said in the log. */
  MILLRACE_BACKLOG_SECONDS: whole(1).default(600),
  MILLRACE_PROJECT: z.string().optional(),
  MILLRACE_REGION: z.string().optional(),
  MILLRACE_NETWORK: z.string().optional(),
  /** docker: what its jobs have of the engine's machine: `VOLUME:/data,/srv/in:/srv/in:ro`. */
  MILLRACE_BINDS: list,
  MILLRACE_NAMESPACE: z.string().optional(),
  /** Worker clusters on Cloud Run whose size it keeps, as JSON. */
  MILLRACE_POOLS: pools.optional(),
  MILLRACE_PORT: whole(1).optional(),
  MILLRACE_DRAIN_SECONDS: whole(0).default(600),
})

export type AgentContract = z.infer<typeof shape>

/** @throws UserError naming the first variable that is wrong; its hint names the others */
export function readAgentContract(environment: NodeJS.ProcessEnv): AgentContract {
  return readEnvironment(shape, environment)
}
