import { z } from 'zod'

/** Worker clusters that are worker pools of Cloud Run, by their names; `infra/components/cloud-run-agent.ts` writes it as JSON. */
export const poolSettings = z.record(
  z.string(),
  z
    .strictObject({
      /** Name of the worker pool, in the agent's own project and region. */
      pool: z.string().min(1),
      /** Least and most instances. */
      min: z.int().min(0),
      max: z.int().min(1),
      /** Tasks that wait or run for each instance, before there is one more. */
      tasksPerWorker: z.int().min(1),
      /** How long (s) there must be nothing to do before there are fewer. */
      cooldown: z.number().min(0).default(300),
    })
    .refine(({ min, max }) => min <= max, { path: ['min'], message: 'must not be more than max' }),
)

export type PoolSettings = z.infer<typeof poolSettings>[string]
export type Pools = Readonly<Record<string, PoolSettings>>
