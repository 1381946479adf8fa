import type { RunOn } from '@millrace/sdk'
import { z } from 'zod'
import { cron } from './cron.ts'
import { secretName } from './secret-name.ts'
import { timezone } from './timezone.ts'

/** Ways to launch a run, as a flow or a stack names them. */
export const LAUNCHERS = ['process', 'docker', 'kubernetes', 'cloud-run', 'vertex'] as const satisfies readonly Exclude<
  RunOn['launcher'],
  undefined
>[]

const text = z.string().trim().min(1, 'must not be empty')
const label = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_.-]{0,62}$/, 'must be lower-case letters, digits, "-", "_" and ".", 63 at most')
const count = z.int().min(0)

const machine = {
  cpu: z.number().positive().optional(),
  /** Bytes. */
  memory: z.int().positive().optional(),
  gpu: count.optional(),
  spot: z.boolean().optional(),
}

/**
 * What the world outside of a flow's code knows of it: the shape that a release records, the console shows and the
 * infra program reads. Plain data, the same on every machine; quantities are numbers (bytes, milliseconds).
 */
export const flowManifest = z.strictObject({
  name: text,
  description: text,
  owner: text,
  contact: text,
  /** Where the data comes from and where it goes. An empty list says "nowhere"; saying nothing is not enough. */
  sources: z.array(text),
  sinks: z.array(text),
  /** JSON Schema of the parameters, as a person gives them. */
  params: z.record(z.string(), z.json()),
  /** Environments that the flow has settings for; undefined where it has none and runs in each. */
  environments: z.array(text).optional(),
  runOn: z.strictObject({ launcher: z.enum(LAUNCHERS).optional(), ...machine, machineType: text.optional() }),
  /** `count: 0`: the tasks run on threads of the driver. */
  workers: z.strictObject({ count, ...machine }),
  schedule: z.strictObject({ cron, timezone, params: z.record(z.string(), z.json()) }).optional(),
  labels: z.array(label),
  queue: z.string().regex(/^[a-z][a-z0-9-]{0,49}$/, 'must be lower-case letters, digits and "-", a letter first'),
  secrets: z.array(secretName),
  /** Milliseconds. */
  timeout: z.int().positive().optional(),
})

export type FlowManifest = z.infer<typeof flowManifest>
