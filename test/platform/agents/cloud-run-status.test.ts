import { describe, expect, it } from 'vitest'
import type { Condition, Task } from '../../../platform/agents/launchers/cloud-run/api.ts'
import { definitions } from '../../../platform/agents/launchers/cloud-run/job-definition.ts'
import { definedStatus, executionStatus } from '../../../platform/agents/launchers/cloud-run/job-status.ts'

const GIB = 2 ** 30

function ended(message: string, attempt: Task['lastAttemptResult'] = {}, condition: Partial<Condition> = {}) {
  const completed: Condition = {
    type: 'Completed',
    state: 'CONDITION_FAILED',
    executionReason: 'NON_ZERO_EXIT_CODE',
    message: `Task j-abcde-task0 failed with exit code: ${attempt?.exitCode ?? 0} and message: ${message}`,
    ...condition,
  }
  return executionStatus({ conditions: [completed] }, [{ lastAttemptResult: attempt }])
}

describe('how a driver ended on Cloud Run', () => {
  it('is told by exit code and words', () => {
    expect(ended('The container exited with an error.', { exitCode: 2 })).toEqual({
      state: 'failed',
      reason: 'exit',
      exitCode: 2,
      message: 'Task j-abcde-task0 failed with exit code: 2 and message: The container exited with an error.',
    })
    expect(ended('The configured memory limit was reached.')).toMatchObject({ reason: 'out-of-memory' })
    expect(ended('The configured timeout was reached.')).toMatchObject({ reason: 'deadline' })
    expect(ended('', {}, { executionReason: 'CANCELLED' })).toMatchObject({ reason: 'cancelled' })
    expect(ended('The container was killed.', { termSignal: 9 })).toMatchObject({ reason: 'unknown' })
  })

  it('is read from the words where the task is gone', () => {
    const message = 'Task j-abcde-task0 failed with exit code: 3 and message: The container exited with an error.'
    const conditions: Condition[] = [{ type: 'Completed', state: 'CONDITION_FAILED', message }]
    expect(executionStatus({ conditions }, [])).toMatchObject({ reason: 'exit', exitCode: 3 })
  })

  it('is that its image cannot be had, where Google says so of the job or of an execution', () => {
    const condition: Condition = {
      type: 'Ready',
      state: 'CONDITION_FAILED',
      reason: 'CONTAINER_MISSING',
      message: "Image 'x' not found.",
    }
    const status = { state: 'failed', reason: 'image-pull', message: "Image 'x' not found." }
    expect(definedStatus({ terminalCondition: condition })).toEqual(status)
    expect(executionStatus({ conditions: [{ ...condition, type: 'Completed' }] }, [])).toEqual(status)
  })

  it('is a refusal where a definition cannot be made ready', () => {
    const message = 'Permission denied on secret x for Revision service account y.'
    const terminalCondition: Condition = { state: 'CONDITION_FAILED', reason: 'SECRETS_ACCESS_CHECK_FAILED', message }
    expect(definedStatus({ terminalCondition })).toEqual({ state: 'failed', reason: 'refused', message })
  })

  it('is not yet, while nothing was started or nothing runs', () => {
    expect(definedStatus({})).toEqual({ state: 'waiting' })
    expect(executionStatus({ conditions: [] }, [])).toEqual({ state: 'waiting' })
    expect(executionStatus({ runningCount: 1 }, [])).toEqual({ state: 'running' })
  })
})

describe('what Cloud Run is asked for', () => {
  const spec = {
    name: 'millrace-r-1',
    run: 'r',
    launch: 1,
    flow: 'hello',
    stack: 'dev',
    image: 'image@sha256:0',
    environment: {},
  }
  const taskOf = (driver: object, more: object = {}) =>
    definitions({ ...spec, driver, workers: { count: 0 }, ...more }, { now: 1_000_000 }).driver.job.template?.template

  it.each([
    [{}, { cpu: '1', memory: '1024Mi' }],
    [{ memory: 6 * GIB }, { cpu: '2', memory: '6144Mi' }],
    [{ memory: 32 * GIB }, { cpu: '8', memory: '32768Mi' }],
    [{ cpu: 4 }, { cpu: '4', memory: '4096Mi' }],
    [
      { cpu: 0.5, memory: GIB / 2 },
      { cpu: '0.5', memory: '512Mi' },
    ],
    [
      { cpu: 1, memory: 500 * GIB },
      { cpu: '1', memory: '512000Mi' },
    ],
    [{ gpu: 1 }, { cpu: '4', memory: '16384Mi', 'nvidia.com/gpu': '1' }],
  ])('%o is %o', (machine, limits) => {
    expect(taskOf(machine)?.containers?.[0]?.resources?.limits).toEqual(limits)
  })

  it('never starts a task again by itself', () => {
    expect(taskOf({})?.maxRetries).toBe(0)
  })

  it('gives it until the deadline, or else as long as Google lets it have, not ten minutes', () => {
    expect(taskOf({}, { deadline: 1_090_500 })?.timeout).toEqual({ seconds: 91 })
    expect(taskOf({}, { deadline: 1000 })?.timeout).toEqual({ seconds: 1 })
    expect(taskOf({})?.timeout).toEqual({ seconds: 86_400 })
    expect(taskOf({ gpu: 1 })?.timeout).toEqual({ seconds: 3600 })
  })

  it('takes a machine type for the name of a GPU', () => {
    expect(taskOf({ gpu: 1 })?.nodeSelector).toEqual({ accelerator: 'nvidia-l4' })
    expect(taskOf({ gpu: 1, machineType: 'nvidia-rtx-pro-6000' })?.nodeSelector?.accelerator).toBe(
      'nvidia-rtx-pro-6000',
    )
    expect(taskOf({})).not.toHaveProperty('nodeSelector')
  })

  it('is an error of its own where there is no image', () => {
    const { image: _, ...without } = spec
    expect(() => definitions({ ...without, driver: {}, workers: { count: 0 } }, { now: 0 })).toThrow('has no image')
  })
})
