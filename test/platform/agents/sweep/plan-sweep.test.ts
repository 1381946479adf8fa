import { type Job, type JobStatus, type OpenLaunch, planSweep, type SweepAction } from '@millrace/agents'
import { describe, expect, it } from 'vitest'

const MINUTE = 60_000
const RUN = { run: 'r1', launch: 1 }

/** A launch of a while ago, whose run goes on. */
const open = (more: Partial<OpenLaunch> = {}): OpenLaunch => ({
  ...RUN,
  state: 'Running',
  isCurrent: true,
  handle: 'h1',
  isAgentAlive: true,
  isDriverAlive: true,
  openFor: 5 * MINUTE,
  launchedFor: 5 * MINUTE,
  ...more,
})

const job = (status: JobStatus = { state: 'running' }, more: Partial<Job> = {}): Job => ({
  ...RUN,
  handle: 'h1',
  created: 0,
  status,
  ...more,
})

const plan = (launch: OpenLaunch | undefined, one?: Job): string[] =>
  planSweep(launch ? [launch] : [], one ? [one] : []).map(shown)
const shown = (action: SweepAction): string =>
  [action.do, ...('state' in action ? [action.state, action.reason] : [])].join(' ')
const why = (launch: OpenLaunch, one?: Job): string =>
  planSweep([launch], one ? [one] : [])
    .map((action) => action.why)
    .join('; ')

describe('a run that goes on is left alone', () => {
  it.each<[string, OpenLaunch, Job | undefined]>([
    ['while its job runs', open(), job()],
    ['while its job waits for a machine', open({ state: 'Pending', isDriverAlive: false }), job({ state: 'waiting' })],
    ['while its agent makes the job', open({ state: 'Pending', handle: undefined, isDriverAlive: false }), undefined],
    ['while its agent has the job and is about to write it down', open({ state: 'Pending', handle: undefined }), job()],
    ['when a list lacks its job and its driver is there', open(), undefined],
    ['when a list lacks a job that was made just now', open({ isDriverAlive: false, launchedFor: 1000 }), undefined],
    ['when it pauses', open({ state: 'Paused' }), job()],
    ['when its job is over and its driver is not', open(), job({ state: 'succeeded' })],
    [
      'when an image could not be pulled once',
      open({ launchedFor: 1000 }),
      job({ state: 'waiting', reason: 'image-pull' }),
    ],
    ['while its driver obeys a cancellation', open({ state: 'Cancelling', cancellingFor: 1000 }), job()],
    ['when its deadline has just passed', open({ lateBy: 1000 }), job()],
  ])('%s', (_name, launch, one) => {
    expect(plan(launch, one)).toEqual([])
  })
})

describe('an agent that died', () => {
  const orphan = open({ state: 'Pending', handle: undefined, isAgentAlive: false, isDriverAlive: false })

  it('after making a job leaves it to be found', () => {
    expect(plan(orphan, job({ state: 'waiting' }))).toEqual(['adopt'])
    expect(plan({ ...orphan, openFor: 10 }, job({ state: 'waiting' }))).toEqual(['adopt'])
  })

  it('before making it leaves the run for another', () => {
    expect(plan(orphan)).toEqual(['give-back'])
  })

  it('is not taken for one that made nothing while lists may lack its job', () => {
    expect(plan({ ...orphan, openFor: 1000 })).toEqual([])
  })

  it('whose run was cancelled since leaves a job to be stopped', () => {
    expect(plan({ ...orphan, state: 'Cancelled' }, job({ state: 'waiting' }))).toEqual(['stop'])
    expect(plan({ ...orphan, state: 'Cancelled' })).toEqual(['close'])
  })
})

describe('a job that failed ends its run, with the reason', () => {
  const dead = open({ isDriverAlive: false })

  it.each<[JobStatus, string, string]>([
    [
      { state: 'failed', reason: 'out-of-memory', message: 'limit 2 GiB' },
      'end-run Crashed out-of-memory',
      'its job failed (out of memory): limit 2 GiB',
    ],
    [{ state: 'failed', reason: 'exit', exitCode: 2 }, 'end-run Crashed exit', 'its job failed (exit code 2)'],
    [{ state: 'succeeded' }, 'end-run Crashed exit', 'its driver ended and did not say how the run went'],
  ])('%j', (status, action, reason) => {
    expect(plan(dead, job(status))).toEqual([action])
    expect(why(dead, job(status))).toBe(reason)
  })

  it('says it, too, of a run that was seen to have lost its driver first', () => {
    const crashed = open({ state: 'Crashed', isDriverAlive: false, overFor: 1000 })
    const killed = job({ state: 'failed', reason: 'out-of-memory' })
    expect(plan(crashed, killed)).toEqual(['end-run Crashed out-of-memory'])
    expect(plan({ ...crashed, reason: 'out-of-memory' }, killed)).toEqual(['remove'])
  })

  it('does not put its own words over those of a driver that said why it ended', () => {
    const crashed = open({ state: 'Crashed', isDriverAlive: false, overFor: 1000 })
    expect(plan(crashed, job({ state: 'failed', reason: 'exit', exitCode: 1 }))).toEqual(['remove'])
  })

  it('is known to be gone when neither a list nor its driver speaks of it', () => {
    expect(plan(dead)).toEqual(['end-run Crashed unknown'])
  })
})

describe('a job that was taken away is launched again', () => {
  it.each<[string, JobStatus]>([
    ['preempted', { state: 'failed', reason: 'preempted' }],
    ['told to go', { state: 'failed', reason: 'exit', exitCode: 143 }],
  ])('%s', (_name, status) => {
    expect(plan(open({ isDriverAlive: false }), job(status))).toEqual(['again'])
    expect(plan(open({ state: 'Crashed', isDriverAlive: false }), job(status))).toEqual(['again'])
  })

  it('but not when its run was over before', () => {
    expect(plan(open({ state: 'Completed' }), job({ state: 'failed', reason: 'preempted' }))).toEqual(['remove'])
    const cancelling = open({ state: 'Cancelling', isDriverAlive: false })
    expect(plan(cancelling, job({ state: 'failed', reason: 'exit', exitCode: 143 }))).toEqual([
      'end-run Cancelled cancelled',
    ])
  })
})

it('a run for which nobody works any more is let go, to be launched again as what its cluster is now', () => {
  expect(plan(open({ strandedFor: MINUTE / 2 }), job())).toEqual([])
  expect(plan(open({ strandedFor: 2 * MINUTE }), job())).toEqual(['stop'])
})

describe('a job that does not start', () => {
  const waiting = open({ state: 'Pending', isDriverAlive: false })

  it('because the platform will never take it, is given up at once', () => {
    const refused = job({ state: 'waiting', reason: 'refused', message: 'no such machine type' })
    expect(plan({ ...waiting, launchedFor: 10 }, refused)).toEqual(['end-run Crashed refused', 'stop'])
    expect(why(waiting, refused)).toContain('no such machine type')
  })

  it('because its image cannot be pulled, is given up after a while', () => {
    const status: JobStatus = { state: 'waiting', reason: 'image-pull', message: 'manifest unknown' }
    expect(plan(waiting, job(status))).toEqual(['end-run Crashed image-pull', 'stop'])
    expect(why(waiting, job(status))).toContain('its image cannot be pulled: manifest unknown')
  })

  it('for want of a machine, is given up after an hour', () => {
    const late = { ...waiting, launchedFor: 61 * MINUTE }
    expect(plan(late, job({ state: 'waiting', reason: 'no-capacity' }))).toEqual([
      'end-run Crashed no-capacity',
      'stop',
    ])
  })
})

describe('a run that is over', () => {
  const over = open({ state: 'Completed', isDriverAlive: false, overFor: 1000 })

  it('leaves its driver a moment to end', () => {
    expect(plan(over, job())).toEqual([])
    expect(plan({ ...over, overFor: MINUTE }, job())).toEqual(['stop'])
  })

  it('has its job removed, and its launch closed', () => {
    expect(plan(over, job({ state: 'succeeded' }))).toEqual(['remove'])
    expect(plan(over)).toEqual(['close'])
  })

  it('that was cancelled before it began has nobody to wait for', () => {
    expect(plan({ ...over, state: 'Cancelled' }, job({ state: 'waiting' }))).toEqual(['stop'])
  })
})

describe('a run that is being cancelled', () => {
  it('has its job stopped when its driver does not obey', () => {
    const deaf = open({ state: 'Cancelling', cancellingFor: 2 * MINUTE })
    expect(plan(deaf, job())).toEqual(['end-run Cancelled cancelled', 'stop'])
  })

  it('is Cancelled when nothing is left of it', () => {
    const gone = open({ state: 'Cancelling', isDriverAlive: false })
    expect(plan(gone)).toEqual(['end-run Cancelled cancelled'])
    expect(plan(gone, job({ state: 'succeeded' }))).toEqual(['end-run Cancelled cancelled'])
  })
})

it('a run beyond its deadline is ended, whatever its driver does', () => {
  expect(plan(open({ lateBy: 2 * MINUTE }), job())).toEqual(['end-run Failed deadline', 'stop'])
})

it('jobs of an earlier launch are stopped, and deleted', () => {
  const earlier = open({ isCurrent: false })
  expect(plan(earlier, job())).toEqual(['stop'])
  expect(plan(earlier, job({ state: 'failed' }))).toEqual(['remove'])
  expect(plan(open({ state: 'Scheduled' }), job())).toEqual(['stop'])
  expect(plan(earlier)).toEqual(['close'])
})

it('jobs that the ledger has closed are cleaned up; those of runs that nobody knows are left alone', () => {
  const strays = [
    { job: job(), isKnown: true },
    { job: job({ state: 'failed' }, { handle: 'h2' }), isKnown: true },
    { job: job({ state: 'running' }, { handle: 'h3' }), isKnown: false },
  ]
  expect(planSweep([], [], strays).map(({ do: what }) => what)).toEqual(['stop', 'remove'])
})

it('two launches of one run are told apart', () => {
  const launches = [open({ isCurrent: false }), open({ launch: 2, handle: 'h2' })]
  const jobs = [job(), job({ state: 'running' }, { launch: 2, handle: 'h2' })]
  expect(planSweep(launches, jobs)).toMatchObject([{ do: 'stop', handle: 'h1', launch: 1 }])
})

describe('a job that was made twice, for its platform gives jobs names of its own', () => {
  const first = job({ state: 'running' }, { handle: 'h1', created: 2 })
  const second = job({ state: 'running' }, { handle: 'h2', created: 1 })
  const doneWith = (launch: OpenLaunch, jobs: readonly Job[]): string[] =>
    planSweep([launch], jobs).map((action) => `${action.do}${'handle' in action ? ` ${action.handle}` : ''}`)

  it('keeps the one that the ledger names, in whatever order they are listed', () => {
    expect(doneWith(open(), [first, second])).toEqual(['stop h2'])
    expect(doneWith(open(), [second, first])).toEqual(['stop h2'])
  })

  it('has the other one deleted when it is over, and goes on', () => {
    expect(doneWith(open(), [first, { ...second, status: { state: 'failed' } }])).toEqual(['remove-double h2'])
  })

  it('is not given up for what became of the other one', () => {
    const preempted: JobStatus = { state: 'failed', reason: 'preempted' }
    expect(doneWith(open({ isDriverAlive: false }), [first, { ...second, status: preempted }])).toEqual([
      'remove-double h2',
    ])
  })

  it('is left to its agent while that makes it; after its death the older one is taken', () => {
    const unwritten = open({ state: 'Pending', handle: undefined, isDriverAlive: false })
    expect(doneWith(unwritten, [first, second])).toEqual([])
    expect(doneWith({ ...unwritten, isAgentAlive: false }, [first, second])).toEqual(['adopt h2', 'stop h1'])
  })

  it('is not stopped as the other one while a list lacks the one that the ledger names', () => {
    expect(doneWith(open(), [second])).toEqual([])
  })
})
