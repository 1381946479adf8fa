import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Database, PostgresStore } from '@millrace/engine'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@millrace/engine/embedded'
import { GoogleAuth, OAuth2Client } from 'google-auth-library'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { emailOf, loginName, readCloudSql } from '../../../platform/engine/postgres/cloud-sql.ts'
import { explainCloudSql } from '../../../platform/engine/postgres/cloud-sql-error.ts'
import { APP_ROLE } from '../../../platform/engine/postgres/rights.ts'
import { createDatabase, type TestDatabase } from '../../database.ts'
import { serve } from '../../fakes/serve.ts'
import { until } from '../../until.ts'
import { mistakeOf } from '../sdk/failure.ts'
import { type CloudSqlFake, fakeCloudSql, refusal } from './cloud-sql-fake.ts'

const INSTANCE = 'millrace-test:europe-west1:main'
const EMAIL = 'flow-hello@millrace-test.iam.gserviceaccount.com'
const LOGIN = 'flow-hello@millrace-test.iam'

// A server of its own: who may log in there, and which roles there are, is the whole server's.
let folder: string
let server: EmbeddedPostgres
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-cloud-sql-'))
  server = await startEmbeddedPostgres({ dir: folder })
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function onServer(text: string): Promise<void> {
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  await client.query(text)
  await client.end()
}

describe('a Cloud SQL instance', () => {
  let fake: CloudSqlFake
  let database: TestDatabase
  let url: string
  const before = { ...process.env }

  beforeAll(async () => {
    // As at Google: whoever comes with a right certificate is let in without a password.
    const rules = join(server.dataDir, 'pg_hba.conf')
    writeFileSync(rules, `host all "${LOGIN}" 127.0.0.1/32 trust\n${readFileSync(rules, 'utf8')}`)
    await onServer(`create role "${LOGIN}" login superuser; select pg_reload_conf()`)
  })

  beforeEach(async () => {
    const { hostname: host, port } = new URL(server.url)
    fake = await fakeCloudSql({ postgres: { host, port: Number(port) }, instance: INSTANCE, email: EMAIL })
    Object.assign(process.env, fake.environment)
    database = await createDatabase(server.url)
    url = `cloudsql://${INSTANCE}${new URL(database.url).pathname}`
  })
  afterEach(async () => {
    await fake.close()
    await database.drop()
    for (const name of ['CLOUDSDK_CONFIG', 'METADATA_SERVER_DETECTION', ...Object.keys(fake.environment)]) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
  })

  it('is a run store like any other, for the account that the process is', async () => {
    const store = await PostgresStore.open(url)
    const run = await store.createRun({ flow: 'f', name: 'f', params: {}, env: 'dev', executor: 'threads' })
    const heard: string[] = []
    const forget = await store.listen(run.id, (event) => heard.push(event))
    await store.setState(run.id, 'Cancelled')
    await until(() => heard.includes('state'))
    forget()
    expect(await store.database.query('select current_user as who')).toEqual([{ who: LOGIN }])
    expect(await database.query('select id, state from flow_run')).toEqual([{ id: run.id, state: 'Cancelled' }])
    await store.close()
    await until(() => fake.connections === 0)
  })

  it('is asked for once by a process, however many databases it opens, until the last is closed', async () => {
    const [one, two] = await Promise.all([Database.open(url), Database.open(url)])
    const asked = ['GET connectSettings', 'POST generateEphemeralCert']
    expect(fake.requests).toEqual(asked)
    await one.close()
    await one.close()
    expect(await two.query('select 1 as here')).toEqual([{ here: 1 }])
    const three = await Database.open(url)
    expect(fake.requests).toEqual(asked)
    await Promise.all([two.close(), three.close()])
    await (await Database.open(url)).close()
    expect(fake.requests).toEqual([...asked, ...asked])
  })

  it('is found again after all connections broke', async () => {
    const opened = await Database.open(url)
    const heard: string[] = []
    const session = await opened.session({ channels: ['c'], onNotify: (_channel, text) => heard.push(text) })
    await opened.query('select 1')
    fake.breakOff()
    expect(await opened.query('select 2 as here')).toEqual([{ here: 2 }])
    await until(async () => {
      await opened.query(`select pg_notify('c', 'news')`)
      return session.connected && heard.includes('news')
    })
    await opened.close()
  })

  it.each([
    ['public', 'PRIMARY'],
    ['private', 'PRIVATE'],
  ])('is reached by its %s address where the URL says so', async (ip, type) => {
    const [address] = fake.settings.ipAddresses as { ipAddress: string }[]
    fake.settings = { ipAddresses: [{ type, ipAddress: address?.ipAddress }] }
    await (await Database.open(`${url}?ip=${ip}`)).close()
  })

  const open = (address = url): Promise<string> =>
    mistakeOf(async () => {
      await (await Database.open(address)).close()
    })

  it('is refused in a sentence: no address of that kind', async () => {
    expect(await open(`${url}?ip=public`)).toBe(
      `the Cloud SQL instance ${INSTANCE}: it has no public address\nAnother one is chosen by the URL: ?ip=private`,
    )
  })

  it.each([
    [
      'the API is off',
      refusal(
        403,
        'PERMISSION_DENIED',
        'Cloud SQL Admin API has not been used in project 1 before or it is disabled. Enable it by visiting …',
      ),
      'the Cloud SQL Admin API is off in project millrace-test\nSwitch it on: gcloud services enable sqladmin.googleapis.com --project millrace-test',
    ],
    [
      'a permission is missing',
      refusal(
        403,
        'PERMISSION_DENIED',
        'boss::NOT_AUTHORIZED: Not authorized to access resource. Possibly missing permission cloudsql.instances.get on resource instances/main.',
      ),
      'this account lacks the permission cloudsql.instances.get\nIt needs the roles "Cloud SQL Client" and "Cloud SQL Instance User" in the project.',
    ],
    [
      'it is not known which',
      refusal(403, 'PERMISSION_DENIED', 'The client is not authorized to make this request.', 'notAuthorized'),
      'this account lacks the permission cloudsql.instances.connect\nIt needs the roles "Cloud SQL Client" and "Cloud SQL Instance User" in the project.',
    ],
  ])('is refused in a sentence: %s', async (_what, answer, sentence) => {
    fake.answer = answer
    expect(await open()).toBe(`the Cloud SQL instance ${INSTANCE}: ${sentence}`)
    // What was refused is asked for anew.
    fake.answer = undefined
    await (await Database.open(url)).close()
  })

  it('is refused in a sentence: there is no such instance, or it is elsewhere', async () => {
    expect(await open('cloudsql://millrace-test:europe-west1:other/d')).toBe(
      'the Cloud SQL instance millrace-test:europe-west1:other: there is none of this name',
    )
    expect(await open('cloudsql://millrace-test:us-east1:main/d')).toMatch(
      /^the Cloud SQL instance millrace-test:us-east1:main: it is in another region: .*europe-west1/,
    )
  })

  it('is refused in a sentence: no credentials', async () => {
    delete process.env.GOOGLE_APPLICATION_CREDENTIALS
    process.env.CLOUDSDK_CONFIG = folder
    process.env.METADATA_SERVER_DETECTION = 'none'
    expect(await open()).toBe(
      `the Cloud SQL instance ${INSTANCE}: there are no Google credentials here to log in with\nLog in with "gcloud auth application-default login", or run as a service account.`,
    )
  })

  it('is refused in a sentence: the account is no user of the database', async () => {
    await fake.close()
    fake = await fakeCloudSql({ postgres: { host: '127.0.0.1', port: 1 }, instance: INSTANCE, email: EMAIL, user: 'x' })
    Object.assign(process.env, fake.environment)
    expect(await open()).toBe(
      `the database at ${url.slice('cloudsql://'.length)} does not let this account in: Cloud SQL IAM service account authentication failed for user "${LOGIN}"\nIt must be a user of the instance that logs in by IAM.`,
    )
  })

  it('is refused in a sentence: there is no such database', async () => {
    expect(await open(`cloudsql://${INSTANCE}/nowhere`)).toBe(
      `there is no database of that name at ${INSTANCE}/nowhere`,
    )
  })

  it('is refused in a sentence: it does not answer', async () => {
    await fake.stopListening()
    expect(await open()).toMatch(
      new RegExp(
        `^cannot connect to the database at ${INSTANCE}/t_\\w+, by its private address: .*\\nA private address`,
      ),
    )
  })
})

describe('the URL of a Cloud SQL instance', () => {
  it.each([
    ['cloudsql://p:r:i/runs', { instance: 'p:r:i', database: 'runs', ip: 'private' }],
    ['cloudsql://example.org:p:r:i/a%20b?ip=psc', { instance: 'example.org:p:r:i', database: 'a b', ip: 'psc' }],
  ])('%s names it', (url, address) => {
    expect(readCloudSql(url)).toEqual(address)
  })

  it.each([
    [
      'cloudsql://p:i/d',
      'the database URL must be cloudsql://PROJECT:REGION:INSTANCE/DATABASE, got "cloudsql://p:i/d"',
    ],
    [
      'cloudsql://p:r:i',
      'the database URL must be cloudsql://PROJECT:REGION:INSTANCE/DATABASE, got "cloudsql://p:r:i"',
    ],
    [
      'cloudsql://ada:hid/den@p:r:i/d',
      'the database URL must be cloudsql://PROJECT:REGION:INSTANCE/DATABASE, got "cloudsql://…@p:r:i/d"',
    ],
    ['cloudsql://p:r:i/d?ip=secret', 'the database URL: ip must be private, public or psc, got "secret"'],
    [
      'mysql://ada:hid/den@h/d',
      'the database URL must start with postgres://, or with cloudsql:// for a Cloud SQL instance',
    ],
    [
      'postgres://ada:hid/den@h/d',
      'the database URL cannot be read\nSigns such as @, / and # in its user or password must be written as %40, %2F and %23.',
    ],
  ])('%s is refused', async (url, sentence) => {
    expect(await mistakeOf(() => Database.open(url))).toBe(sentence)
  })
})

describe('who logs in', () => {
  it.each([
    ['Worker@p.iam.gserviceaccount.com', 'worker@p.iam'],
    ['Ada@example.org', 'ada@example.org'],
  ])('%s is called %s', (email, name) => {
    expect(loginName(email)).toBe(name)
  })

  /** Credentials as "gcloud auth application-default login" leaves them: they are a person's, and do not say whose. */
  async function askedOf(answer: object): Promise<string> {
    const google = await serve(({ headers, method }) => ({
      status: headers.authorization === 'Bearer of-ada' && method === 'POST' ? 200 : 401,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ expires_in: 3599, scope: 'openid', ...answer }),
    }))
    const client = new OAuth2Client({ endpoints: { tokenInfoUrl: google.endpoint } })
    client.setCredentials({ access_token: 'of-ada', expiry_date: Date.now() + 3_600_000 })
    try {
      return await emailOf(
        Object.assign(new GoogleAuth<OAuth2Client>(), {
          getCredentials: async () => ({}),
          getClient: async () => client,
        }),
      )
    } finally {
      await google.close()
    }
  }

  it('is asked for where the credentials do not say it', async () => {
    expect(await askedOf({ email: 'ada@example.org' })).toBe('ada@example.org')
  })

  it('must be known', async () => {
    expect(await mistakeOf(() => askedOf({}))).toBe(
      'Google’s credentials here do not say whose they are, which a Cloud SQL database must know\nLog in anew with: gcloud auth application-default login',
    )
  })

  it.each([
    [
      {
        message: 'invalid_grant',
        response: {
          status: 400,
          data: { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' },
        },
      },
      'Google does not take the credentials here any more: Token has been expired or revoked.',
    ],
    [{ message: 'Login Required.', code: 401 }, 'Google does not take the credentials here: Login Required.'],
  ])('is told to log in again', (error, sentence) => {
    const { message, hint } = explainCloudSql(readCloudSql('cloudsql://p:r:i/d'), error)
    expect(message).toBe(`the Cloud SQL instance p:r:i: ${sentence}`)
    expect(hint).toMatch(/^Log in with "gcloud/)
  })
})

describe('with a user for each program', () => {
  let database: TestDatabase
  beforeEach(async () => {
    database = await createDatabase(server.url)
    await onServer(
      `drop role if exists ${APP_ROLE};
       create role owner login password 'o'; create role flow login password 'f';
       alter database ${nameOf(database)} owner to owner`,
    )
  })
  afterEach(async () => {
    await database.drop()
    await onServer(`drop role if exists owner, flow, ${APP_ROLE}`)
  })

  const nameOf = ({ url }: TestDatabase): string => new URL(url).pathname.slice(1)
  function urlAs(user: 'owner' | 'flow'): string {
    const url = new URL(database.url)
    url.username = user
    url.password = user[0] ?? ''
    return url.href
  }

  it('those who are told so work with the tables of who owns them, and with those that come later', async () => {
    await onServer('alter role owner createrole')
    const owner = await Database.open(urlAs('owner'))
    await owner.query(`grant ${APP_ROLE} to flow`)
    await owner.query('create table later (x int)')
    const store = await PostgresStore.open(urlAs('flow'))
    const run = await store.createRun({ flow: 'f', name: 'f', params: {}, env: 'dev', executor: 'threads' })
    const lease = await store.takeRun(run.id)
    await store.appendLogs(run.id, [{ time: 1, level: 'info', message: 'hello', source: 'flow' }])
    await store.setState(run.id, 'Completed', { attempt: 1 })
    await lease.release()
    expect(await store.prune(Date.now() + 60_000)).toEqual([run.id])
    await store.database.query('insert into later values (1)')
    for (const forbidden of ['drop table later', 'create table mine (x int)', 'delete from migration']) {
      await expect(store.database.query(forbidden)).rejects.toThrow(/permission denied|must be owner/)
    }
    await store.close()
    await owner.query('drop table later')
    await owner.close()
  })

  it('others get nothing, and an old schema is not theirs to change', async () => {
    await onServer('alter role owner createrole')
    const owner = await Database.open(urlAs('owner'))
    expect(await mistakeOf(() => Database.open(urlAs('flow')))).toMatch(
      /^the user may not create or change the schema millrace in .*: permission denied for schema millrace\n/,
    )
    await owner.query(`grant ${APP_ROLE} to flow`)
    await database.query('delete from migration where name = (select max(name) from migration)')
    expect(await mistakeOf(() => Database.open(urlAs('flow')))).toMatch(
      /^the user may not create or change the schema millrace in .*\nWhoever owns it brings it up to date; /,
    )
    await owner.close()
  })

  it('as on Cloud SQL, each agent may migrate, and whoever logs in by IAM may work with the tables', async () => {
    const names = ['cloudsqlsuperuser', 'cloudsqliamserviceaccount']
    await onServer(`${names.map((name) => `create role ${name} createrole;`).join(' ')}
      create role agent_one login password 'x' createrole; create role agent_two login password 'x' createrole;
      create role flow_one login password 'x';
      grant cloudsqlsuperuser to agent_one, agent_two; grant cloudsqliamserviceaccount to flow_one`)
    const database = await createDatabase(server.url)
    const name = new URL(database.url).pathname.slice(1)
    await onServer(`grant create on database ${name} to cloudsqlsuperuser`)
    const as = (user: string): string => {
      const url = new URL(database.url)
      url.username = user
      url.password = 'x'
      return url.href
    }
    await (await Database.open(as('agent_one'))).close()
    // A later migration, by another agent.
    const two = new pg.Client({ connectionString: as('agent_two') })
    await two.connect()
    await two.query('alter table millrace.flow_run add column later int')
    await two.end()
    const flow = await PostgresStore.open(as('flow_one'))
    const { id } = await flow.createRun({ flow: 'f', name: 'f', params: {}, env: 'dev', executor: 'threads' })
    expect(await flow.findRun(id)).toMatchObject({ state: 'Pending' })
    await flow.close()
    await database.drop()
  })

  it('whose owner may make no roles, all is as with one user', async () => {
    const owner = await Database.open(urlAs('owner'))
    expect(await owner.query('select count(*)::int as runs from flow_run')).toEqual([{ runs: 0 }])
    expect(await owner.query('select 1 from pg_roles where rolname = $1', [APP_ROLE])).toEqual([])
    await owner.close()
  })
})
