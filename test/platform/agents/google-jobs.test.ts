import { spawn } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { JobSpec, Launcher } from '../../../platform/agents/launcher.ts'
import { cloudRunLauncher } from '../../../platform/agents/launchers/cloud-run.ts'
import { vertexLauncher } from '../../../platform/agents/launchers/vertex.ts'
import { type GoogleJobs, googleJobs } from '../../fakes/cloud-run/google-jobs.ts'
import { until } from '../../until.ts'

const NETWORK = 'projects/123456789012/global/networks/millrace'
const SPEC: JobSpec = {
  name: 'millrace-abc-1',
  run: 'abc',
  launch: 1,
  flow: 'hello',
  stack: 'dev',
  image: 'image@sha256:0',
  environment: {},
  driver: {},
  workers: { count: 0 },
}

let google: GoogleJobs
const opened: Launcher[] = []
beforeEach(async () => {
  const wait = 'setInterval(() => {}, 60_000)'
  google = await googleJobs({ project: 'p', region: 'r', start: () => spawn(process.execPath, ['-e', wait]) })
})
afterEach(async () => {
  for (const launcher of opened.splice(0)) {
    google.faults.mend()
    for (const { handle } of await launcher.list()) await launcher.remove(handle)
    await launcher.close()
  }
  await google.close()
})

function keep<T extends Launcher>(launcher: T): T {
  opened.push(launcher)
  return launcher
}

describe('a launcher of Cloud Run', () => {
  const open = () => keep(cloudRunLauncher({ project: 'p', region: 'r', stack: 'dev', endpoint: google.endpoint }))

  it('leaves a job alone that runs, when it is refused the next time', async () => {
    const launcher = open()
    const handle = await launcher.launch(SPEC)
    await until(async () => (await launcher.status(handle)).state === 'running')
    google.faults.failNext(/executions/, { status: 403, body: '' })
    await expect(launcher.launch({ ...SPEC, workers: { count: 1 } })).rejects.toMatchObject({ kind: 'denied' })
    expect(await launcher.status(handle)).toEqual({ state: 'running' })
  })

  it('stops workers whose driver is refused', async () => {
    const launcher = open()
    const spec = { ...SPEC, workers: { count: 1 } }
    google.faults.failNext(/POST .*millrace-abc-1:run/, { status: 400, body: '{"error":{"message":"No."}}' })
    await expect(launcher.launch(spec)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/No\.$/),
    })
    expect(await launcher.list()).toEqual([])
  })

  it('lists workers whose driver somebody deleted, so that they are removed', async () => {
    const launcher = open()
    const handle = await launcher.launch({ ...SPEC, workers: { count: 1 } })
    google.run.jobs.delete(handle)
    const [job, ...others] = await launcher.list()
    expect(job).toMatchObject({ handle, run: 'abc', launch: 1, status: { state: 'gone' } })
    expect(others).toEqual([])
    await launcher.remove(handle)
    expect(google.run.jobs.size).toBe(0)
  })

  it('starts a job that was defined and never started', async () => {
    const launcher = open()
    google.faults.failNext(/:run/, { status: 503, body: '' })
    await expect(launcher.launch(SPEC)).rejects.toMatchObject({ kind: 'busy' })
    expect((await launcher.list())[0]?.status).toEqual({ state: 'waiting' })
    const handle = await launcher.launch(SPEC)
    await until(async () => (await launcher.status(handle)).state === 'running')
  })

  it('starts nothing more when it is launched again, and stops what another agent started besides', async () => {
    const launcher = open()
    await launcher.launch(SPEC)
    const executions = () => google.run.jobs.get(SPEC.name)?.executions.map(({ status }) => status)
    await launcher.launch(SPEC)
    expect(executions()).toEqual(['EXECUTION_RUNNING'])
    const run = `run.googleapis.com/v2/projects/p/locations/r/jobs/${SPEC.name}:run`
    await fetch(`${google.endpoint}/${run}`, { method: 'POST', body: '{}' })
    await launcher.launch(SPEC)
    await until(() => executions()?.[1] === 'EXECUTION_CANCELLED')
    expect(executions()?.[0]).toBe('EXECUTION_RUNNING')
  })

  it('takes a job that is cancelled before it was started away', async () => {
    const launcher = open()
    google.faults.failNext(/:run/, { status: 503, body: '' })
    await launcher.launch(SPEC).catch(() => undefined)
    await launcher.cancel(SPEC.name)
    expect(await launcher.status(SPEC.name)).toEqual({ state: 'gone' })
  })
})

describe('a launcher of Vertex AI', () => {
  const open = (more: object = {}) => {
    const options = { project: 'p', region: 'r', stack: 'dev', network: NETWORK, endpoint: google.endpoint }
    return keep(vertexLauncher({ ...options, ...more }))
  }

  it('lets the older of two jobs of one launch go on, and stops the other', async () => {
    const launcher = open()
    const first = await launcher.launch(SPEC)
    google.vertex.lag = 1
    const second = await launcher.launch(SPEC)
    expect(second).not.toBe(first)
    google.vertex.lag = 0
    expect(await launcher.launch(SPEC)).toBe(first)
    await until(async () => (await launcher.status(second)).reason === 'cancelled')
    expect(await launcher.status(first)).toEqual({ state: 'running' })
  })

  it('asks for time until lists show what may have been made', async () => {
    google.breakNext('answer lost')
    const error = await open()
      .launch(SPEC)
      .catch((error: unknown) => error)
    expect(error).toMatchObject({ kind: 'busy', after: 5000 })
    expect(google.vertex.jobs.size).toBe(1)
  })

  it('does not take the job of another stack for its own', async () => {
    const theirs = await open({ stack: 'prod' }).launch({ ...SPEC, stack: 'prod' })
    const ours = await open().launch(SPEC)
    expect(ours).not.toBe(theirs)
  })

  it('is refused what the quota of the project never has, in the words of Google', async () => {
    google.vertex.exceededQuota = 'aiplatform.googleapis.com/custom_model_training_nvidia_l4_gpus'
    await expect(open().launch(SPEC)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('custom_model_training_nvidia_l4_gpus'),
    })
  })

  it('is refused a network that is named by the id of its project', async () => {
    const launcher = open({ network: 'projects/p/global/networks/millrace' })
    await expect(launcher.launch(SPEC)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('project_number'),
    })
  })
})
