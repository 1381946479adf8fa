import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { type DeliverOptions, deliver } from '../../../../platform/agents/notify/deliver.ts'
import { DeliveryError } from '../../../../platform/agents/notify/delivery.ts'
import { smtpSettings } from '../../../../platform/agents/notify/smtp-settings.ts'
import { type SmtpOptions, type SmtpServer, smtpServer } from '../../../fakes/smtp-server.ts'
import { selfSigned } from '../../../fakes/webhook-certificate.ts'
import { until } from '../../../until.ts'
import { deliveryTo, FAILED } from './sample.ts'

const never = new AbortController().signal
const from = '?from=millrace@example.org'
let server: SmtpServer | undefined

async function start(options: SmtpOptions = {}): Promise<SmtpServer> {
  server = await smtpServer(options)
  return server
}
afterEach(async () => {
  await server?.close()
  server = undefined
})

const send = (smtp: string, to = 'mailto:ada@example.org', more: Partial<DeliverOptions> = {}): Promise<void> =>
  deliver(deliveryTo(to), { signal: never, smtp, ...more })

async function failure(promise: Promise<void>): Promise<DeliveryError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof DeliveryError)) throw new Error('it was delivered', { cause: error })
  return error
}

describe('mail', () => {
  it('tells of the run, in plain text, and says that a program wrote it', async () => {
    const { port, mails } = await start()
    await send(`smtp://127.0.0.1:${port}${from}`)
    expect(mails).toEqual([
      {
        from: 'millrace@example.org',
        to: ['ada@example.org'],
        user: undefined,
        headers: expect.objectContaining({
          from: 'millrace@example.org',
          to: 'ada@example.org',
          subject: '[millrace] Failed: predict_4 (predict)',
          'message-id': '<notice-7@example.org>',
          'auto-submitted': 'auto-generated',
          'list-id': 'Runs of Millrace <runs.millrace.example.org>',
          'content-type': 'text/plain; charset=utf-8',
        }),
        text: [
          'Failed: predict_4 (predict)',
          '',
          'task measure-3: no tile <4> & none beside it',
          '',
          'run: 01jd0000000000000000000001',
          'flow: predict',
          'deployment: predict',
          'queue: default',
          'labels: etl, gpu',
          'environment: prod',
          'started: 2026-11-20T08:00:00.000Z',
          'ended: 2026-11-20T08:03:20.000Z',
          'took: 3 min 20 s',
          '',
          'Its log: millrace runs logs 01jd0000000000000000000001',
        ].join('\n'),
      },
    ])
  })

  it('goes to several at once', async () => {
    const { port, mails } = await start()
    await send(`smtp://localhost:${port}${from}`, 'mailto:ada@example.org,bob@example.org')
    expect(mails).toMatchObject([{ to: ['ada@example.org', 'bob@example.org'] }])
  })

  it('lets no name of a run add a header', async () => {
    const { port, mails } = await start()
    const event = { ...FAILED, data: { ...FAILED.data, name: 'x\r\nBcc: eve@example.org\r\n\r\nhello' } }
    await deliver(
      { ...deliveryTo('mailto:ada@example.org'), event },
      { signal: never, smtp: `smtp://127.0.0.1:${port}${from}` },
    )
    expect(mails[0]?.headers).not.toHaveProperty('bcc')
    expect(mails[0]?.to).toEqual(['ada@example.org'])
  })

  it('logs in with a secret that the address only names', async () => {
    const { port, mails, commands } = await start({ login: { user: 'mailer', password: 'p@ss:w/rd?' } })
    const secret = (name: string): string => (name === 'smtp-password' ? 'p@ss:w/rd?' : '')
    await send(`smtp://mailer:secret://smtp-password@127.0.0.1:${port}${from}`, undefined, { secret })
    expect(mails).toMatchObject([{ user: 'mailer' }])
    expect(commands).toContain('AUTH PLAIN')
  })

  it('is tried again after a login that was wrong, and says nothing of the password', async () => {
    const { port } = await start({ login: { user: 'mailer', password: 'right' } })
    const error = await failure(send(`smtp://mailer:geheim@127.0.0.1:${port}${from}`))
    expect(error).toMatchObject({ isFinal: false, message: expect.stringContaining('535 who are you?') })
    expect(error.message).not.toContain('geheim')
  })

  it('is given up where the server knows no such recipient', async () => {
    const { port } = await start({ replies: { 'RCPT TO:<ada@example.org>': '550 no such user' } })
    expect(await failure(send(`smtp://127.0.0.1:${port}${from}`))).toMatchObject({
      isFinal: true,
      message: expect.stringContaining('550 no such user'),
    })
  })

  it.each([
    { 'RCPT TO:<ada@example.org>': '451 greylisted, come back later' },
    { DATA: '452 the disk is full' },
    { 'MAIL FROM:<millrace@example.org>': '550 not from here' },
  ])('is tried again where it may go later: %o', async (replies) => {
    const { port } = await start({ replies })
    expect(await failure(send(`smtp://127.0.0.1:${port}${from}`))).toMatchObject({
      isFinal: false,
      message: expect.stringContaining(Object.values(replies)[0] ?? ''),
    })
  })

  it('does not wait for ever for a server that says nothing', async () => {
    const { port } = await start({ isSilent: true })
    const error = await failure(send(`smtp://127.0.0.1:${port}${from}`, undefined, { timeout: 100 }))
    expect(error).toMatchObject({ isFinal: false, message: expect.stringContaining('did not take the mail') })
  })

  it('ends at once when the agent ends', async () => {
    const { port } = await start({ replies: { DATA: '' } })
    const stop = new AbortController()
    const sent = send(`smtp://127.0.0.1:${port}${from}`, undefined, { signal: stop.signal, timeout: 600_000 })
    await until(() => server?.commands.includes('DATA'))
    stop.abort(new Error('the agent ends'))
    await expect(sent).rejects.toThrow('the agent ends')
  })

  it('goes over TLS only to a server whose certificate is vouched for', async () => {
    const { port, mails } = await start({ tls: selfSigned() })
    const error = await failure(send(`smtps://localhost:${port}${from}`))
    expect(error.message).toMatch(/self-signed certificate/)
    expect(mails).toEqual([])
  })

  it('is not sent from where no mail server is set', async () => {
    const error = await failure(deliver(deliveryTo('mailto:ada@example.org'), { signal: never }))
    expect(error).toMatchObject({ isFinal: false, message: 'no mail is sent from here: MILLRACE_SMTP is not set' })
  })
})

describe('the address of a mail server', () => {
  const secret = (name: string): string => `value of ${name}`

  it('has user, secret, port and sender', () => {
    expect(
      smtpSettings('smtps://mailer:secret://smtp-password@mail.example.org?from=runs@example.org', secret),
    ).toEqual({
      host: 'mail.example.org',
      port: 465,
      isSecure: true,
      isLocal: false,
      user: 'mailer',
      password: 'value of smtp-password',
      from: 'runs@example.org',
    })
    expect(smtpSettings('smtp://ada%40example.org:pw@mail.example.org:2525', secret)).toMatchObject({
      port: 2525,
      isSecure: false,
      user: 'ada@example.org',
      from: 'ada@example.org',
    })
  })

  it('is refused in words that hold no password', () => {
    for (const text of ['https://mailer:geheim@example.org', 'mailer:geheim', 'smtp://']) {
      expect(() => smtpSettings(text, secret)).toThrow('MILLRACE_SMTP is not the address of a mail server')
      expect(() => smtpSettings(text, secret)).not.toThrow('geheim')
    }
    expect(() => smtpSettings('smtp://mailer:geheim@example.org', secret)).toThrow('does not say whom mail is from')
  })

  it('is asked for TLS unless it is this machine', async () => {
    const { port, mails } = await start()
    onTestFinished(() => expect(mails).toEqual([]))
    // By a name of this machine that does not say so.
    const error = await failure(send(`smtp://[::ffff:127.0.0.1]:${port}${from}`))
    expect(error.message).toContain('did not take the mail')
  })
})
