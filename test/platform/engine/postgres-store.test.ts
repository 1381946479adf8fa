import { PostgresStore } from '@millrace/engine'
import { afterEach, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../database.ts'
import { runStoreConformance } from './run-stores.conformance.ts'

describe('the Postgres store', () => {
  runStoreConformance(async () => {
    const database = await createDatabase()
    const store = await PostgresStore.open(database.url)
    return {
      store,
      close: async () => {
        await store.close()
        await database.drop()
      },
    }
  })
})

describe('opening a Postgres store', () => {
  let database: TestDatabase | undefined
  afterEach(() => database?.drop())

  it('makes the schema once, however many open it at the same time', async () => {
    database = await createDatabase()
    const { url } = database
    const stores = await Promise.all(Array.from({ length: 4 }, () => PostgresStore.open(url)))
    const ran = [{ name: '001-runs.sql' }, { name: '002-dispatch.sql' }]
    expect(await database.query('select name from migration order by name')).toEqual(ran)
    await Promise.all(stores.map((store) => store.close()))
  })

  it('refuses a database that a newer version made', async () => {
    database = await createDatabase()
    await (await PostgresStore.open(database.url)).close()
    await database.query(`insert into migration (name, digest) values ('999-later.sql', 'x')`)
    await expect(PostgresStore.open(database.url)).rejects.toThrow(/has the migration 999-later\.sql.*update Millrace/)
  })

  it.each([
    ['mysql://u:hidden@h/db', /must start with postgres:\/\//],
    ['postgres://u:hidden@127.0.0.1:1/db', /no database answers at 127\.0\.0\.1:1\/db/],
    ['postgres://u:hidden@nowhere.invalid/db', /the database host of nowhere\.invalid:5432\/db is not known/],
  ])('at %s says what is wrong, and no password', async (url, message) => {
    const error = await PostgresStore.open(url).catch((caught: Error) => caught)
    expect(error).toMatchObject({ name: 'UserError', message: expect.stringMatching(message) })
    expect(String(error)).not.toContain('hidden')
  })

  it('with a wrong password, or of a database that is not there, says so', async () => {
    database = await createDatabase()
    const wrong = new URL(database.url)
    wrong.password = 'wrong'
    await expect(PostgresStore.open(wrong.href)).rejects.toThrow(/refuses this user or password/)
    const missing = new URL(database.url)
    missing.pathname = '/nosuch'
    await expect(PostgresStore.open(missing.href)).rejects.toThrow(/there is no database of that name/)
  })

  it('leaves nothing of a pruned run in any table', async () => {
    database = await createDatabase()
    const store = await PostgresStore.open(database.url)
    const { id } = await store.createRun({ flow: 'f', name: 'f', params: {}, env: 'dev', executor: 'threads' })
    const facts = {
      key: new Uint8Array(16),
      task: 't',
      attempt: 1,
      created: 0,
      started: 0,
      ended: 0,
      failure: undefined,
    }
    await store.recordTasks(id, [{ ...facts, seq: 0, state: 'Completed', result: new Uint8Array(400_000) }])
    await store.appendLogs(id, [{ time: 0, level: 'info', message: 'x', source: 'flow' }])
    await store.setState(id, 'Cancelled')
    await store.prune(Date.now() + 60_000)
    for (const table of ['flow_run', 'task_run', 'value_chunk', 'log_line']) {
      expect(await database.query(`select count(*)::int as n from ${table}`), table).toEqual([{ n: 0 }])
    }
    await store.close()
  })
})
