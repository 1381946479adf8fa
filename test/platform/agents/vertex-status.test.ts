import { describe, expect, it } from 'vitest'
import type { CustomJob } from '../../../platform/agents/launchers/vertex/api.ts'
import { customJob } from '../../../platform/agents/launchers/vertex/custom-job.ts'
import { customJobStatus } from '../../../platform/agents/launchers/vertex/job-status.ts'
import { machineFor } from '../../../platform/agents/launchers/vertex/machine-type.ts'

const GIB = 2 ** 30

function failed(code: number, message: string, more: CustomJob = {}) {
  return customJobStatus({ state: 'JOB_STATE_FAILED', error: { code, message }, ...more })
}

describe('how a driver ended on Vertex AI', () => {
  it('is told by words', () => {
    const hint = 'To find out more about why your job exited please check the logs: https://console.cloud.google.com/'
    expect(failed(3, `The replica workerpool0-0 exited with a non-zero status of 2. ${hint}`)).toMatchObject({
      reason: 'exit',
      exitCode: 2,
    })
    expect(failed(3, `The replica workerpool0-0 exited with a non-zero status of 9(SIGKILL). ${hint}`)).toMatchObject({
      reason: 'exit',
      exitCode: 137,
    })
    const memory = 'The replica workerpool0-0 ran out-of-memory and exited with a non-zero status of 9(SIGKILL).'
    expect(failed(3, memory)).toMatchObject({ reason: 'out-of-memory' })
    expect(
      failed(8, 'Resources are insufficient in region: us-central1. Please try a different region.'),
    ).toMatchObject({
      reason: 'no-capacity',
    })
    expect(failed(3, 'Failed to pull image "x": not found')).toMatchObject({ reason: 'image-pull' })
    expect(failed(7, "Permission 'storage.objects.get' denied on resource x")).toMatchObject({ reason: 'refused' })
    expect(failed(13, 'Internal error occurred for the current attempt.')).toMatchObject({ reason: 'unknown' })
  })

  it('is no exit of the driver where a worker took the job along', () => {
    const status = failed(3, 'The replica workerpool1-2 exited with a non-zero status of 1.')
    expect(status).toMatchObject({ state: 'failed', reason: 'unknown' })
    expect(status).not.toHaveProperty('exitCode')
  })

  it('is preemption where a machine cannot be had any more after the job began', () => {
    const words = 'The job failed with a STOCKOUT error.'
    expect(failed(8, words, { startTime: { seconds: 1 } })).toMatchObject({ reason: 'preempted' })
    expect(failed(8, words)).toMatchObject({ reason: 'no-capacity' })
  })

  it.each([
    ['JOB_STATE_PENDING', { state: 'waiting' }],
    ['JOB_STATE_QUEUED', { state: 'waiting', reason: 'no-capacity' }],
    ['JOB_STATE_RUNNING', { state: 'running' }],
    ['JOB_STATE_CANCELLING', { state: 'running' }],
    ['JOB_STATE_SUCCEEDED', { state: 'succeeded' }],
    ['JOB_STATE_CANCELLED', { state: 'failed', reason: 'cancelled' }],
    ['JOB_STATE_EXPIRED', { state: 'failed', reason: 'deadline' }],
  ] as const)('%s is %o', (state, status) => {
    expect(customJobStatus({ state })).toMatchObject(status)
  })
})

describe('the machine that Vertex AI is asked for', () => {
  it.each([
    [{}, 'n2-standard-4'],
    [{ cpu: 1 }, 'n2-highmem-2'],
    [{ cpu: 4, memory: 16 * GIB }, 'n2-standard-4'],
    [{ cpu: 4, memory: 17 * GIB }, 'n2-highmem-4'],
    [{ memory: 58 * GIB }, 'n2-highmem-8'],
    [{ cpu: 30 }, 'n2-highcpu-32'],
    [{ cpu: 80, memory: 640 * GIB }, 'n2-highmem-80'],
  ])('with %o is %s', (machine, machineType) => {
    expect(machineFor(machine)).toEqual({ machineType })
  })

  it('has L4 GPUs, where none are named', () => {
    expect(machineFor({ gpu: 1 })).toEqual({
      machineType: 'g2-standard-4',
      acceleratorType: 'NVIDIA_L4',
      acceleratorCount: 1,
    })
    expect(machineFor({ gpu: 1, memory: 100 * GIB })).toMatchObject({ machineType: 'g2-standard-32' })
    expect(machineFor({ gpu: 2 })).toMatchObject({ machineType: 'g2-standard-24', acceleratorCount: 2 })
    expect(machineFor({ gpu: 3 })).toMatchObject({ machineType: 'g2-standard-48', acceleratorCount: 4 })
  })

  it('is the one that is named, with the GPUs that it has', () => {
    expect(machineFor({ machineType: 'x9-huge-7', cpu: 2 })).toEqual({ machineType: 'x9-huge-7' })
    expect(machineFor({ machineType: 'a2-highgpu-1g', gpu: 1 })).toEqual({
      machineType: 'a2-highgpu-1g',
      acceleratorType: 'NVIDIA_TESLA_A100',
      acceleratorCount: 1,
    })
  })

  it('is to be named where ours are too small', () => {
    expect(() => machineFor({ memory: 700 * GIB })).toThrow('700 GiB and 0 GPUs: name a machine type')
  })
})

describe('what Vertex AI is asked for', () => {
  const spec = {
    name: 'millrace-r-1',
    run: 'r',
    launch: 1,
    flow: 'hello',
    stack: 'dev',
    image: 'image@sha256:0',
    environment: {},
    driver: { spot: true },
    workers: { count: 0 },
  }
  const schedulingOf = (more: object) => customJob({ ...spec, ...more }, { now: 0 }).jobSpec?.scheduling

  it('is a driver on a spot machine only where it asked for one itself', () => {
    expect(schedulingOf({})?.strategy).toBe('SPOT')
    expect(schedulingOf({ workers: { count: 2, spot: true } })?.strategy).toBe('SPOT')
    expect(schedulingOf({ driver: {}, workers: { count: 2, spot: true } })?.strategy).toBe('STANDARD')
    expect(schedulingOf({ workers: { count: 2 } })?.strategy).toBe('STANDARD')
  })

  it('is never started again by Vertex AI itself', () => {
    expect(schedulingOf({})).toMatchObject({ restartJobOnWorkerRestart: false, disableRetries: true })
  })

  it('has values in its environment doubled where Vertex AI would put variables in', () => {
    const environment = { A: '$(HOME) $$ $x $' }
    const [pool] = customJob({ ...spec, environment }, { now: 0 }).jobSpec?.workerPoolSpecs ?? []
    expect(pool?.containerSpec?.env).toEqual([{ name: 'A', value: '$$(HOME) $$$ $x $' }])
  })
})
