import { spawn } from 'node:child_process'
import { afterEach, expect, it } from 'vitest'
import { LAUNCHER_PERMISSIONS } from '../../infra/components/launcher-roles.ts'
import type { JobSpec, Launcher } from '../../platform/agents/launcher.ts'
import { cloudRunLauncher } from '../../platform/agents/launchers/cloud-run.ts'
import { vertexLauncher } from '../../platform/agents/launchers/vertex.ts'
import { type GoogleJobs, googleJobs } from '../fakes/cloud-run/google-jobs.ts'
import { until } from '../until.ts'

const WHERE = { project: 'example-project', region: 'europe-west1', stack: 'test' }

const SPEC: JobSpec = {
  ...{ name: 'millrace-abc-1', run: 'abc', launch: 1, flow: 'hello', stack: 'test', image: 'image@sha256:0' },
  ...{ environment: {}, driver: {}, workers: { count: 1 } },
}

/** What Google asks for with each call: https://cloud.google.com/run/docs/reference/iam/permissions and its like. */
const NEEDED: readonly (readonly [call: RegExp, permission: string])[] = [
  [/^POST .*\/entries:list$/, 'logging.logEntries.list'],
  [/^POST .*\/jobs$/, 'run.jobs.create'],
  [/^GET .*\/jobs$/, 'run.jobs.list'],
  [/^GET .*\/jobs\/[^/:]+$/, 'run.jobs.get'],
  [/^DELETE .*\/jobs\/[^/:]+$/, 'run.jobs.delete'],
  [/^POST .*\/jobs\/[^/]+:run$/, 'run.jobs.run'],
  [/^GET .*\/executions$/, 'run.executions.list'],
  [/^POST .*\/executions\/[^/]+:cancel$/, 'run.executions.cancel'],
  [/^GET .*\/tasks$/, 'run.tasks.list'],
  [/^GET run\.googleapis\.com.*\/operations\//, 'run.operations.get'],
  [/^POST .*\/customJobs$/, 'aiplatform.customJobs.create'],
  [/^GET .*\/customJobs$/, 'aiplatform.customJobs.list'],
  [/^GET .*\/customJobs\/[^/:]+$/, 'aiplatform.customJobs.get'],
  [/^DELETE .*\/customJobs\/[^/:]+$/, 'aiplatform.customJobs.delete'],
  [/^POST .*\/customJobs\/[^/]+:cancel$/, 'aiplatform.customJobs.cancel'],
]

let google: GoogleJobs
let launcher: Launcher
afterEach(async () => {
  await launcher.close()
  await google.close()
})

/** All that an agent does with jobs: one that runs and is cancelled, and one that fails. */
async function useAll(): Promise<void> {
  const running = await launcher.launch(SPEC)
  expect(await launcher.launch(SPEC)).toBe(running)
  await until(async () => (await launcher.status(running)).state === 'running')
  await launcher.tail(running)
  await launcher.cancel(running)
  await until(async () => (await launcher.status(running)).state === 'failed')
  const spec = { ...SPEC, name: 'millrace-abc-2', launch: 2, environment: { TEST_DOES: 'use memory' } }
  const failing = await launcher.launch(spec)
  await until(async () => (await launcher.status(failing)).reason === 'out-of-memory')
  for (const { handle } of await launcher.list()) await launcher.remove(handle)
  expect(await launcher.list()).toEqual([])
}

it.each([
  ['cloud-run', cloudRunLauncher],
  ['vertex', vertexLauncher],
] as const)('the role of the launcher %s allows what it calls, and no more', async (kind, open) => {
  google = await googleJobs({
    ...WHERE,
    start: ({ env }) =>
      env.TEST_DOES ? 'out of memory' : spawn(process.execPath, ['-e', 'setInterval(() => {}, 60_000)']),
  })
  launcher = open({ ...WHERE, endpoint: google.endpoint })
  await useAll()
  const calls = google.faults.asked.map((call) => ({ call, permission: NEEDED.find(([each]) => each.test(call))?.[1] }))
  expect(calls.filter(({ permission }) => permission === undefined)).toEqual([])
  expect([...new Set(calls.map(({ permission }) => permission))].toSorted()).toEqual(LAUNCHER_PERMISSIONS[kind])
})
