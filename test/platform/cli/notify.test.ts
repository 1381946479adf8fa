import { PostgresStore } from '@millrace/engine'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { declareNotify } from '../../../platform/cli/declare/notify.ts'
import { createDatabase, type TestDatabase } from '../../database.ts'
import { smtpServer } from '../../fakes/smtp-server.ts'
import { type Receiver, webhookReceiver } from '../../fakes/webhook-receiver.ts'
import { commandLine } from './in-process.ts'

let database: TestDatabase
let store: PostgresStore
let receiver: Receiver

const millrace = commandLine([declareNotify], () => ['--database', database.url])

async function works(...words: string[]): Promise<string> {
  const { code, out, err } = await millrace(...words)
  expect([code, err]).toEqual([0, ''])
  return out
}

async function refused(...words: string[]): Promise<string> {
  const { code, out, err } = await millrace(...words)
  expect([code, out]).toEqual([2, ''])
  return err
}

beforeAll(async () => {
  database = await createDatabase()
  store = await PostgresStore.open(database.url)
})
beforeEach(async () => {
  await database.query('truncate notice_rule, notice')
  receiver = await webhookReceiver()
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await receiver.close()
})
afterAll(async () => {
  await store.close()
  await database.drop()
})

describe('who is told', () => {
  it('is added, listed and removed', async () => {
    expect(await works('notify')).toBe('Nobody is told of anything. Add somebody with: millrace notify add\n')
    const hook = 'https://hooks.slack.com/services/T0000/B0000/XXXXXXXX'
    await works(
      'notify',
      'add',
      'oncall',
      '--to',
      'mailto:oncall@example.org',
      '--states',
      'failed,Crashed',
      '--labels',
      'etl',
    )
    expect(await works('notify', 'add', 'channel', '--to', hook, '--queues', 'big')).toBe(
      'channel: https://hooks.slack.com/services/T… is told. Try it with: millrace notify test channel\n',
    )
    const list = await works('notify')
    expect(list).toMatch(
      /^RULE +TO +STATES +FLOWS +QUEUES +LABELS +SECRET\nchannel +\S+ +all +all +big\noncall +mailto:oncall@example.org +Failed,Crashed +all +all +etl\n$/,
    )
    expect(list).not.toContain('XXXXXXXX')
    expect(JSON.parse(await works('notify', 'list', '--json'))).toMatchObject([
      { to: hook },
      { states: ['Failed', 'Crashed'] },
    ])
    expect(await works('notify', 'remove', 'channel')).toBe('channel removed\n')
    expect(await works('notify')).not.toContain('channel')
  })

  it('is another one where the rule is given again', async () => {
    await works('notify', 'add', 'all', '--to', 'mailto:ada@example.org', '--flows', 'hello')
    await works('notify', 'add', 'all', '--to', 'mailto:bob@example.org')
    expect(JSON.parse(await works('notify', '--json'))).toEqual([{ name: 'all', to: 'mailto:bob@example.org' }])
  })

  it.each([
    [['add', 'a'], "required option '--to <url>' not specified"],
    [['add', 'a', '--to', 'http://example.org'], '--to: http://example.org/: expected "https:"'],
    [['add', 'a', '--to', 'ada@example.org'], '--to: expected "https://…" or "mailto:somebody@example.org"'],
    [
      ['add', 'a', '--to', 'mailto:ada@example.org', '--states', 'Running'],
      '--states: no run ends in the state Running',
    ],
    [['add', 'a', '--to', 'mailto:ada@example.org', '--states', 'Broken'], '--states: no run ends as "Broken"'],
    [['add', 'a', '--to', 'mailto:ada@example.org', '--secret', 'key'], '--secret: mail is not signed'],
    [['add', 'a', '--to', 'https://example.org', '--secret', 'whsec_AbC='], '--secret: expected the name of a secret'],
    [['add', 'A b', '--to', 'https://example.org'], 'rule "A b": a name is made of'],
    [['remove', 'a'], 'there is no rule "a"'],
    [['test', 'a'], 'there is no rule "a"'],
  ])('is not changed by a mistake: %j', async (words, message) => {
    const err = await refused('notify', ...words)
    expect(err).toContain(message)
    expect(err).not.toContain('AbC')
    expect(await works('notify')).toContain('Nobody is told')
  })
})

describe('a test', () => {
  it('reaches a webhook, signed with the secret of this environment', async () => {
    vi.stubEnv('HOOK_KEY', 'a text of letters, as a password is')
    await works('notify', 'add', 'hook', '--to', receiver.url, '--secret', 'hook-key')
    expect(await works('notify', 'test', 'hook')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/hook took it\n$/)
    const [got] = receiver.received
    expect(JSON.parse(got?.body ?? '')).toMatchObject({ type: 'test', data: { message: 'the rule hook reaches you' } })
    expect(got?.headers['webhook-signature']).toMatch(/^v1,/)
  })

  it('reaches a mailbox', async () => {
    const server = await smtpServer()
    try {
      vi.stubEnv('MILLRACE_SMTP', `smtp://127.0.0.1:${server.port}?from=millrace@example.org`)
      await works('notify', 'add', 'oncall', '--to', 'mailto:ada@example.org')
      await works('notify', 'test', 'oncall')
      expect(server.mails).toMatchObject([{ headers: { subject: '[millrace] Test: the rule oncall reaches you' } }])
    } finally {
      await server.close()
    }
  })

  it('says why it did not arrive', async () => {
    receiver.answers = [{ status: 403, body: 'not you' }]
    await works('notify', 'add', 'hook', '--to', receiver.url)
    expect(await refused('notify', 'test', 'hook')).toMatch(
      /^millrace: http:\S+ was not reached: \S+ answered 403 Forbidden: not you\n$/,
    )
  })
})

describe('what is not delivered', () => {
  it('is listed with why, and when it is tried again', async () => {
    expect(await works('notify', 'undelivered')).toBe('All that was to be told has arrived.\n')
    await works('notify', 'add', 'hook', '--to', receiver.url)
    const run = await store.createRun({ flow: 'hello', name: 'hello_1', params: {}, env: 'dev', executor: 'threads' })
    await store.setState(run.id, 'Failed')
    await database.query("update notice set attempt = 2, error = 'it answered 500', due = now() + interval '90 s'")
    expect(await works('notify', 'undelivered')).toMatch(
      new RegExp(
        `^RUN +STATE +RULE +TO +TRIED +SINCE +NEXT +WHY\n${run.id} +Failed +hook +http:\\S+ +2 +\\d+ s ago +in 1 min +it answered 500\n$`,
      ),
    )
    await database.query('update notice set given_up = now()')
    expect(await works('notify', 'undelivered')).toContain('given up')
    expect(JSON.parse(await works('notify', 'undelivered', '--json'))).toMatchObject([
      { run: run.id, error: 'it answered 500' },
    ])
  })
})
