import type { LookupFunction } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { type DeliverOptions, deliver } from '../../../../platform/agents/notify/deliver.ts'
import { DeliveryError } from '../../../../platform/agents/notify/delivery.ts'
import { verifySignature } from '../../../../platform/agents/notify/signature.ts'
import { slackBody } from '../../../../platform/agents/notify/slack.ts'
import { retryAfter } from '../../../../platform/agents/notify/webhook.ts'
import { selfSigned } from '../../../fakes/webhook-certificate.ts'
import { type Receiver, webhookReceiver } from '../../../fakes/webhook-receiver.ts'
import { until } from '../../../until.ts'
import { deliveryTo, FAILED } from './sample.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const never = new AbortController().signal
let receiver: Receiver

beforeEach(async () => {
  receiver = await webhookReceiver()
})
afterEach(() => receiver.close())

const send = (to = receiver.url, options: Partial<DeliverOptions> & { secretName?: string } = {}): Promise<void> =>
  deliver(deliveryTo(to, options.secretName ? { secret: options.secretName } : {}), { signal: never, ...options })

async function failure(promise: Promise<void>): Promise<DeliveryError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof DeliveryError)) throw new Error('it was delivered', { cause: error })
  return error
}

describe('a webhook', () => {
  it('tells of the run', async () => {
    await send()
    const [got] = receiver.received
    expect(got).toMatchObject({
      method: 'POST',
      path: '/hook',
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'user-agent': expect.stringMatching(/^millrace\//),
        'webhook-id': 'notice-7',
      },
    })
    expect(JSON.parse(got?.body ?? '')).toEqual({ id: 'notice-7', ...FAILED })
    expect(got?.headers['webhook-signature']).toBeUndefined()
  })

  it('is signed where its rule names a secret, so that its receiver knows whom it is from', async () => {
    const asked: string[] = []
    await send(receiver.url, {
      secretName: 'hook-key',
      secret: (name) => {
        asked.push(name)
        return SECRET
      },
    })
    const [got] = receiver.received
    if (!got) throw new Error('nothing came')
    expect(asked).toEqual(['hook-key'])
    expect(verifySignature(got, SECRET)).toBe(true)
    expect(verifySignature(got, 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')).toBe(false)
    expect(verifySignature({ ...got, body: got.body.replace('Failed', 'Completed') }, SECRET)).toBe(false)
  })

  it('waits for its secret where it is not set', async () => {
    const error = await failure(send(receiver.url, { secretName: 'no-such-key' }))
    expect(error).toMatchObject({ message: 'secret no-such-key is not set', isFinal: false })
    expect(receiver.received).toEqual([])
  })

  it.each([200, 201, 204, 299])('has arrived when the answer is %i', async (status) => {
    receiver.answers = [{ status }]
    await send()
  })

  it('fails with the first words of the answer, on one line, and no more', async () => {
    receiver.answers = [{ status: 500, body: `no\u0000pe\n\u001b[31m ${'x'.repeat(100_000)}` }]
    const error = await failure(send())
    expect(error.isFinal).toBe(false)
    expect(error.message).toMatch(/^127\.0\.0\.1:\d+ answered 500 Internal Server Error: no pe \[31m x{100,}…$/)
    expect(error.message.length).toBeLessThan(300)
  })

  it('is given up where the receiver says that it wants no more', async () => {
    receiver.answers = [{ status: 410 }]
    expect(await failure(send())).toMatchObject({ isFinal: true, message: expect.stringContaining('it wants no more') })
  })

  it('waits as long as it is asked to', async () => {
    receiver.answers = [{ status: 503, headers: { 'retry-after': '120' } }]
    expect(await failure(send())).toMatchObject({ isFinal: false, after: 120_000 })
  })

  it('follows no redirect', async () => {
    const other = await webhookReceiver()
    onTestFinished(() => other.close())
    receiver.answers = [{ status: 307, headers: { location: other.url } }]
    expect(await failure(send())).toMatchObject({
      isFinal: false,
      message: expect.stringContaining('redirects are not followed'),
    })
    expect(other.received).toEqual([])
  })

  it('does not wait for ever for an answer', async () => {
    receiver.answers = ['silence']
    expect(await failure(send(receiver.url, { timeout: 100 }))).toMatchObject({
      isFinal: false,
      message: expect.stringMatching(/ did not answer within 0\.1 s$/),
    })
  })

  it('ends at once when the agent ends', async () => {
    receiver.answers = ['silence']
    const stop = new AbortController()
    const sent = send(receiver.url, { signal: stop.signal, timeout: 600_000 })
    await until(() => receiver.received.length > 0)
    stop.abort(new Error('the agent ends'))
    await expect(sent).rejects.toThrow('the agent ends')
  })

  it('says that nobody is there', async () => {
    await receiver.close()
    expect(await failure(send())).toMatchObject({
      isFinal: false,
      message: expect.stringMatching(/^127\.0\.0\.1:\d+ was not reached: .*ECONNREFUSED/),
    })
  })
})

describe('over TLS, a webhook', () => {
  const tls = selfSigned()

  it('does not go to a server whose certificate nobody has vouched for', async () => {
    const server = await webhookReceiver({ tls })
    onTestFinished(() => server.close())
    expect((await failure(send(server.url))).message).toMatch(/was not reached: .*self-signed certificate/)
    expect(server.received).toEqual([])
  })

  it('goes to a server that is trusted', async () => {
    const server = await webhookReceiver({ tls })
    const before = getCACertificates('default')
    setDefaultCACertificates([...before, tls.cert])
    onTestFinished(async () => {
      setDefaultCACertificates(before)
      await server.close()
    })
    await send(server.url)
    expect(server.received).toHaveLength(1)
  })

  it('does not go to a server without TLS', async () => {
    const error = await failure(send(receiver.url.replace('http:', 'https:')))
    expect(error.message).toContain('was not reached')
    expect(receiver.received).toEqual([])
  })
})

describe('where an agent must not connect to', () => {
  it.each([
    'https://169.254.169.254/computeMetadata/v1/',
    'https://metadata.google.internal/',
    'https://0xa9fea9fe/',
    'https://[::ffff:169.254.169.254]/',
  ])('it does not: %s', async (url) => {
    expect(await failure(send(url))).toMatchObject({
      isFinal: true,
      message: expect.stringMatching(/^nothing is sent there: /),
    })
  })

  it('it does not where a name leads there', async () => {
    const lookup: LookupFunction = (_host, _options, done) => done(null, [{ address: '169.254.169.254', family: 4 }])
    expect(await failure(send('https://innocent.example.org/', { lookup }))).toMatchObject({
      isFinal: true,
      message: expect.stringContaining('innocent.example.org leads to 169.254.169.254'),
    })
  })

  it('it does not where a name leads to what listens beside the agent', async () => {
    const lookup: LookupFunction = (_host, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }])
    const url = receiver.url.replace('http://127.0.0.1', 'https://innocent.example.org')
    expect((await failure(send(url, { lookup }))).message).toContain('which is this machine')
  })
})

describe('Slack', () => {
  it('gets a text that it shows', () => {
    expect(JSON.parse(slackBody(FAILED))).toEqual({
      text: [
        '*Failed: predict_4 (predict)*',
        '> task measure-3: no tile &lt;4&gt; &amp; none beside it',
        'run: 01jd0000000000000000000001 · flow: predict · deployment: predict · queue: default · labels: etl, gpu · environment: prod · started: 2026-11-20T08:00:00.000Z · ended: 2026-11-20T08:03:20.000Z · took: 3 min 20 s',
        '`millrace runs logs 01jd0000000000000000000001`',
      ].join('\n'),
    })
  })
})

describe('Retry-After', () => {
  const now = Date.parse('2026-11-20T08:00:00Z')
  it.each([
    ['90', 90_000],
    ['Fri, 20 Nov 2026 08:01:00 GMT', 60_000],
    ['Fri, 20 Nov 2026 07:00:00 GMT', 0],
    ['soon', undefined],
    [undefined, undefined],
  ])('%s is %s ms', (text, expected) => {
    expect(retryAfter(text, now)).toBe(expected)
  })
})
