import { PostgresStore, putRule, undelivered } from '@millrace/engine'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Notifier, type NotifierOptions, notifier } from '../../../../platform/agents/notify/notifier.ts'
import { verifySignature } from '../../../../platform/agents/notify/signature.ts'
import { createDatabase, type TestDatabase } from '../../../database.ts'
import { smtpServer } from '../../../fakes/smtp-server.ts'
import { type Receiver, webhookReceiver } from '../../../fakes/webhook-receiver.ts'
import { until } from '../../../until.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
let database: TestDatabase
let store: PostgresStore
let receiver: Receiver
let told: string[]
const open: Notifier[] = []

beforeEach(async () => {
  database = await createDatabase()
  store = await PostgresStore.open(database.url)
  receiver = await webhookReceiver()
  told = []
})
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
  await receiver.close()
  await store.close()
  await database.drop()
})

function start(options: NotifierOptions = {}): Notifier {
  const made = notifier(store.database, { onMessage: (_level, text) => told.push(text), ...options })
  open.push(made)
  return made
}

/** A run that ends. @returns its id */
async function ends(state: 'Failed' | 'Cancelled', flow = 'hello'): Promise<string> {
  const run = await store.createRun({
    flow,
    name: `${flow}_1`,
    params: {},
    env: 'dev',
    executor: 'threads',
    labels: ['etl'],
  })
  await store.setState(run.id, state, { message: `it is ${state}` })
  return run.id
}

/** Time passes for what waits for its next try. */
const makeDue = (): Promise<unknown> =>
  database.query("update notice set due = now() - interval '1 s' where sent is null and given_up is null")

describe('when a run ends', () => {
  it('whoever has a rule for it is told, and nobody else', async () => {
    await putRule(store.database, { name: 'failures', to: receiver.url, states: ['Failed'], flows: ['hello'] })
    const id = await ends('Failed')
    await ends('Cancelled')
    await ends('Failed', 'rain')
    await start().deliver()
    expect(receiver.received.map(({ body }) => JSON.parse(body))).toEqual([
      {
        id: expect.stringMatching(new RegExp(`^${id}-\\d+$`)),
        type: 'run.ended',
        timestamp: expect.stringMatching(/^20\d\d-.+Z$/),
        data: {
          id,
          flow: 'hello',
          name: 'hello_1',
          state: 'Failed',
          message: 'it is Failed',
          labels: ['etl'],
          env: 'dev',
          attempt: 0,
          created: expect.any(String),
          ended: expect.any(String),
        },
      },
    ])
  })

  it('is told once: what has arrived is not sent again', async () => {
    await putRule(store.database, { name: 'all', to: receiver.url })
    await ends('Failed')
    await start().deliver()
    await makeDue()
    await start().deliver()
    expect(receiver.received).toHaveLength(1)
    expect(await undelivered(store.database)).toEqual([])
  })

  it('signs with the secret that the rule names', async () => {
    await putRule(store.database, { name: 'signed', to: receiver.url, secret: 'hook-key' })
    await ends('Failed')
    await start({ secret: (name) => (name === 'hook-key' ? SECRET : '') }).deliver()
    const [got] = receiver.received
    expect(got && verifySignature(got, SECRET)).toBe(true)
  })

  it('goes by mail, too', async () => {
    const server = await smtpServer()
    try {
      await putRule(store.database, { name: 'oncall', to: 'mailto:ada@example.org' })
      const id = await ends('Failed')
      await start({ smtp: `smtp://127.0.0.1:${server.port}?from=millrace@example.org` }).deliver()
      expect(server.mails).toMatchObject([{ to: ['ada@example.org'], text: expect.stringContaining(`run: ${id}`) }])
    } finally {
      await server.close()
    }
  })

  it('is told all the same where many end at once and one receiver is slow', async () => {
    const slow = await webhookReceiver()
    slow.answers = ['silence']
    try {
      await putRule(store.database, { name: 'slow', to: slow.url, states: ['Cancelled'] })
      await putRule(store.database, { name: 'fast', to: receiver.url, states: ['Failed'] })
      await ends('Cancelled')
      for (let i = 0; i < 20; i++) await ends('Failed')
      const delivering = start({ atOnce: 2, timeout: 60_000 }).deliver()
      await until(() => receiver.received.length === 20)
      expect(slow.received).toHaveLength(1)
      await open[0]?.close()
      await delivering
    } finally {
      await slow.close()
    }
  })
})

describe('what does not arrive', () => {
  it('is tried again later, under the same id, until it arrives', async () => {
    receiver.answers = [{ status: 503, body: 'not now' }, { status: 200 }]
    await putRule(store.database, { name: 'all', to: receiver.url })
    const id = await ends('Failed')
    const notices = start()
    await notices.deliver()
    expect(await undelivered(store.database)).toMatchObject([
      {
        run: id,
        rule: 'all',
        attempt: 1,
        error: expect.stringContaining('503 Service Unavailable: not now'),
        due: expect.anything(),
      },
    ])
    expect(told).toEqual([expect.stringMatching(new RegExp(`was not told of run ${id} \\(it is tried again\\): `))])
    // Not at once.
    await notices.deliver()
    expect(receiver.received).toHaveLength(1)
    await makeDue()
    await notices.deliver()
    expect(receiver.received).toHaveLength(2)
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(await undelivered(store.database)).toEqual([])
  })

  it('is given up where the receiver wants no more', async () => {
    receiver.answers = [{ status: 410 }]
    await putRule(store.database, { name: 'all', to: receiver.url })
    await ends('Failed')
    await start().deliver()
    await makeDue()
    await start().deliver()
    expect(receiver.received).toHaveLength(1)
    const [left] = await undelivered(store.database)
    expect(left).toMatchObject({ error: expect.stringContaining('it wants no more of them') })
    expect(left?.due).toBeUndefined()
    expect(told.at(-1)).toContain('(given up)')
  })

  it('is given up after a day, and the reason is kept', async () => {
    receiver.answers = [{ status: 500 }]
    await putRule(store.database, { name: 'all', to: receiver.url })
    await ends('Failed')
    await database.query("update notice set created = now() - interval '1 day'")
    await start().deliver()
    expect((await undelivered(store.database))[0]?.due).toBeUndefined()
  })

  it('is left for the next agent where this one ends in the middle of it', async () => {
    receiver.answers = ['silence', { status: 200 }]
    await putRule(store.database, { name: 'all', to: receiver.url })
    await ends('Failed')
    const first = start()
    const delivering = first.deliver()
    await until(() => receiver.received.length === 1)
    await first.close()
    await delivering
    // Nobody says that it failed: it did not. Its claim ends by itself.
    expect(await undelivered(store.database)).toEqual([])
    await makeDue()
    await start().deliver()
    expect(receiver.received).toHaveLength(2)
    expect(told).toEqual([])
  })

  it('holds up nothing else', async () => {
    await putRule(store.database, { name: 'a-broken', to: 'https://169.254.169.254/' })
    await putRule(store.database, { name: 'mail', to: 'mailto:ada@example.org' })
    await putRule(store.database, { name: 'works', to: receiver.url })
    await ends('Failed')
    await start({ smtp: undefined }).deliver()
    expect(receiver.received).toHaveLength(1)
    const left = await undelivered(store.database)
    expect(left.map(({ rule, error }) => [rule, error]).sort()).toEqual([
      ['a-broken', expect.stringContaining('nothing is sent there')],
      ['mail', 'no mail is sent from here: MILLRACE_SMTP is not set'],
    ])
  })
})
