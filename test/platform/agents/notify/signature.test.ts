import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { signatureHeaders, verifySignature } from '../../../../platform/agents/notify/signature.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const TEXT_SECRET = 'a text of letters, as a password is'
const SENT = 1_614_265_330
const now = SENT * 1000
const body = '{"test": 2432232314}'
const signed = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: SENT, body }

describe('a signed webhook', () => {
  it('is signed as the libraries of Standard Webhooks sign it', () => {
    // From the tests of https://github.com/standard-webhooks/standard-webhooks (libraries/javascript).
    expect(signatureHeaders(signed, SECRET)).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    })
  })

  it.each([SECRET, TEXT_SECRET])('is known by whoever has the secret %s', (secret) => {
    const headers = signatureHeaders(signed, secret)
    expect(verifySignature({ headers, body }, secret, { now })).toBe(true)
    expect(verifySignature({ headers, body: Buffer.from(body) }, secret, { now })).toBe(true)
  })

  it('is known by the new secret and the old while they are rotated', () => {
    const headers = signatureHeaders(signed, TEXT_SECRET)
    expect(verifySignature({ headers, body }, [SECRET, TEXT_SECRET], { now })).toBe(true)
    const both = { ...headers, 'webhook-signature': `v1a,AAAA v1,AAAA ${headers['webhook-signature']}` }
    expect(verifySignature({ headers: both, body }, TEXT_SECRET, { now })).toBe(true)
  })

  it('has a secret that cannot be guessed', () => {
    expect(() => signatureHeaders(signed, 'short')).toThrow('the secret that signs is too short: 24 bytes at least')
  })
})

describe('a webhook that somebody else made', () => {
  const headers = signatureHeaders(signed, SECRET)
  const refused = (change: Record<string, string | string[] | undefined>, text = body, at = now): void =>
    expect(verifySignature({ headers: { ...headers, ...change }, body: text }, SECRET, { now: at })).toBe(false)

  it('is refused where the body was changed', () => refused({}, '{"test": 2432232315}'))
  it('is refused under another id', () => refused({ 'webhook-id': 'msg_other' }))
  it('is refused with another time', () => refused({ 'webhook-timestamp': String(SENT + 1) }))
  it('is refused when it is sent again later', () => refused({}, body, now + 301_000))
  it('is refused when it says it is of the future', () => refused({}, body, now - 301_000))
  it.each([undefined, '', 'v1,', 'v1,AAAA', 'v1', 'v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=', 'nonsense'])(
    'is refused with the signature %s',
    (signature) => refused({ 'webhook-signature': signature }),
  )
  it.each([undefined, '', 'soon', '1e9', '-1'])('is refused with the time %s', (time) =>
    refused({ 'webhook-timestamp': time }),
  )
  it('is refused without an id', () => refused({ 'webhook-id': undefined }))
  it('is refused by a secret that is empty', () => {
    const signature = createHmac('sha256', '').update(`${signed.id}.${SENT}.${body}`).digest('base64')
    const empty = { ...headers, 'webhook-signature': `v1,${signature}` }
    expect(verifySignature({ headers: empty, body }, ['', 'whsec_'], { now })).toBe(false)
  })
})
