import { UserError } from '@millrace/sdk'
import { afterEach, describe, expect, it } from 'vitest'
import { LaunchError } from '../../../platform/agents/launcher.ts'
import { cloudRunLauncher } from '../../../platform/agents/launchers/cloud-run.ts'
import { lineOf, quoted } from '../../../platform/agents/launchers/google/driver-log.ts'
import { launchError, NoAnswer, Refusal, readRefusal } from '../../../platform/agents/launchers/google/refusal.ts'
import { vertexLauncher } from '../../../platform/agents/launchers/vertex.ts'

describe('what Google says no with', () => {
  it.each([
    ['PERMISSION_DENIED', 'denied'],
    ['UNAUTHENTICATED', 'denied'],
    ['INVALID_ARGUMENT', 'refused'],
    ['NOT_FOUND', 'refused'],
    ['FAILED_PRECONDITION', 'refused'],
    ['RESOURCE_EXHAUSTED', 'busy'],
    ['UNAVAILABLE', 'busy'],
    ['DEADLINE_EXCEEDED', 'busy'],
    ['ABORTED', 'busy'],
    ['INTERNAL', 'busy'],
  ] as const)('%s is %s, in its words', (code, kind) => {
    expect(launchError('create the job j on Cloud Run', new Refusal(code, 'Its words.'))).toMatchObject({
      kind,
      message: 'Cannot create the job j on Cloud Run: Its words.',
    })
  })

  it('is refused where machines are more than the quota has, for no waiting helps', () => {
    const message =
      'The following quota metrics exceed quota limits: aiplatform.googleapis.com/custom_model_training_cpus'
    expect(launchError('', new Refusal('RESOURCE_EXHAUSTED', message))).toMatchObject({ kind: 'refused' })
  })

  it('is read from its body, with the permission that its words may leave out', () => {
    const details = [
      { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', metadata: { permission: 'run.jobs.create' } },
    ]
    const body = JSON.stringify({ error: { code: 403, status: 'PERMISSION_DENIED', message: 'No.', details } })
    const refusal = readRefusal(403, new Headers(), body)
    expect(launchError('list jobs', refusal)).toMatchObject({
      kind: 'denied',
      message: 'Cannot list jobs: No. (run.jobs.create)',
    })
  })

  it('says how long to wait, by a header or in its details', () => {
    const delay = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '2.5s' }
    const body = JSON.stringify({ error: { status: 'UNAVAILABLE', message: 'Later.', details: [delay] } })
    expect(readRefusal(503, new Headers(), body)).toMatchObject({ code: 'UNAVAILABLE', after: 2500 })
    expect(launchError('list jobs', readRefusal(503, new Headers(), body))).toMatchObject({ kind: 'busy', after: 2500 })
    expect(readRefusal(429, new Headers({ 'retry-after': '7' }), '')).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      after: 7000,
    })
  })

  it('is told by the status where a front end answers in HTML', () => {
    expect(readRefusal(502, new Headers(), '<html>Bad Gateway</html>')).toMatchObject({
      code: 'UNAVAILABLE',
      message: 'HTTP 502',
    })
  })

  it('is found below the errors of the clients, and of operations', () => {
    const wrapped = new Error('fetch failed', { cause: new NoAnswer('no answer from run.googleapis.com: reset') })
    expect(launchError('list jobs', wrapped)).toMatchObject({ kind: 'busy', message: expect.stringContaining('reset') })
    const ended = Object.assign(new Error('Image not found.'), { code: 5 })
    expect(launchError('create', ended)).toMatchObject({ kind: 'refused', message: 'Cannot create: Image not found.' })
  })

  it('is not what a defect of ours is taken for', () => {
    const defect = new TypeError('x is not a function')
    expect(launchError('list jobs', defect)).toBe(defect)
    expect(launchError('list jobs', new LaunchError('busy', 'as it is'))).toMatchObject({ message: 'as it is' })
  })
})

describe('a machine where nobody is logged in', () => {
  const before = process.env.GOOGLE_APPLICATION_CREDENTIALS
  afterEach(() => {
    if (before === undefined) delete process.env.GOOGLE_APPLICATION_CREDENTIALS
    else process.env.GOOGLE_APPLICATION_CREDENTIALS = before
  })

  for (const [name, launcher] of Object.entries({ cloudRunLauncher, vertexLauncher })) {
    it(`is told how to log in: ${name}`, async () => {
      process.env.GOOGLE_APPLICATION_CREDENTIALS = '/there/is/no/such/file.json'
      const error = await launcher({ project: 'p', region: 'r', stack: 'dev' })
        .list()
        .catch((error: unknown) => error)
      expect(error).toBeInstanceOf(UserError)
      expect(error).toMatchObject({ hint: expect.stringContaining('gcloud auth application-default login') })
    })
  }
})

describe('a line of a log', () => {
  it('is the message of a structured one, and the text of any other', () => {
    expect(lineOf({ textPayload: '  indented\n' })).toBe('  indented')
    expect(lineOf({ jsonPayload: { fields: { message: { stringValue: 'begun' } } } })).toBe('begun')
  })

  it('is JSON again where a program printed JSON without a message', () => {
    const list = {
      listValue: { values: [{ numberValue: 1 }, { boolValue: true }, { nullValue: 'NULL_VALUE' as const }] },
    }
    const fields = { a: { stringValue: 'x"y' }, b: { structValue: { fields: { c: list } } } }
    expect(lineOf({ jsonPayload: { fields } })).toBe('{"a":"x\\"y","b":{"c":[1,true,null]}}')
  })

  it('is looked for with its quotes escaped', () => {
    expect(quoted('a"b\\c')).toBe('"a\\"b\\\\c"')
  })
})
