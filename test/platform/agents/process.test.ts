import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JobSpec } from '../../../platform/agents/launcher.ts'
import { bounded } from '../../../platform/agents/launchers/process/output.ts'
import { start } from '../../../platform/agents/launchers/process/start.ts'
import { ended } from '../../../platform/agents/launchers/process/status.ts'
import { bringSupervisor } from '../../../platform/agents/launchers/process/supervise.ts'
import { type ProcessLauncherOptions, processLauncher } from '../../../platform/agents/launchers/process.ts'
import { until } from '../../until.ts'
import { agentsConformance } from './agents.conformance.ts'
import { launchersConformance } from './launchers.conformance.ts'
import { type Does, killProcessesIn, PROGRAM, processesIn } from './programs.ts'
import { type LauncherStage, listed, specOf, untilRunning, untilState, untilStill } from './stage.ts'

const AGENT = fileURLToPath(new URL('./programs/agent.ts', import.meta.url))
const PROGRAMS = { driver: [PROGRAM, 'driver'], worker: [PROGRAM, 'worker'] }

interface Machine extends LauncherStage {
  readonly root: string
  readonly folder: string
  readonly options: ProcessLauncherOptions
}

async function openMachine(): Promise<Machine> {
  const root = mkdtempSync(join(tmpdir(), 'millrace processes-'))
  const [folder, notes] = [join(root, 'jobs'), join(root, 'notes')]
  mkdirSync(notes)
  const options = { root, folder, stack: 'dev', programs: PROGRAMS, grace: 1500 }
  return {
    root,
    folder,
    options,
    launcher: processLauncher(options),
    stack: 'dev',
    defaults: { environment: { TEST_FOLDER: notes } },
    arrives: new Set(['name']),
    levers: {},
    another: async (stack = 'dev') => processLauncher({ ...options, stack }),
    processes: async (handle) => processesIn(notes, handle),
    seen: async (handle) => ({ text: readFileSync(join(folder, handle, 'job.json'), 'utf8') }),
    async addStranger() {
      writeFileSync(join(folder, 'a-file'), '{}')
      mkdirSync(join(folder, 'a-folder'))
      mkdirSync(join(folder, 'a-broken-job'))
      writeFileSync(join(folder, 'a-broken-job/job.json'), '{"run":')
    },
    async close() {
      killProcessesIn(notes)
      // Their supervisors write down that they ended.
      await rm(root, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

launchersConformance('the process launcher', openMachine)
agentsConformance('the process launcher', openMachine)

describe('processes of this machine', () => {
  let machine: Machine
  beforeAll(async () => {
    machine = await openMachine()
  })
  afterAll(() => machine.close())

  const fileOf = (spec: JobSpec, name: string): string => join(machine.folder, spec.name, name)
  const pidOf = (spec: JobSpec, role: string): number => Number(readFileSync(fileOf(spec, `${role}.pid`), 'utf8'))
  const newSpec = (does: Does, more: Partial<JobSpec> = {}): JobSpec => specOf(machine, does, more)

  /** Launches by an agent of its own, which is killed as soon as `isTime`. */
  async function launchAndDie(spec: JobSpec, isTime: () => boolean): Promise<void> {
    const agent = spawn(process.execPath, [AGENT, JSON.stringify(machine.options), JSON.stringify(spec)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const gone = once(agent, 'exit')
    await until(isTime)
    agent.kill('SIGKILL')
    await gone
  }

  it('outlive the agent that launched them, and are stopped by the next', async () => {
    const spec = newSpec('waits', { workers: { count: 1 } })
    await launchAndDie(spec, () => processesIn(join(machine.root, 'notes'), spec.name).length === 2)
    await untilRunning(machine, spec.name, 1)
    expect(await machine.launcher.status(spec.name)).toEqual({ state: 'running' })
    expect(await listed(machine.launcher, spec.run)).toMatchObject({ handle: spec.name, launch: 1 })
    await machine.launcher.cancel(spec.name)
    await untilStill(machine, spec.name)
    expect(await untilState(machine, spec.name, 'failed')).toMatchObject({ reason: 'cancelled', exitCode: 143 })
  })

  it.each([
    ['has its folder only', (spec: JobSpec) => existsSync(join(machine.folder, spec.name))],
    ['is written down', (spec: JobSpec) => existsSync(fileOf(spec, 'job.json'))],
    ['has a driver', (spec: JobSpec) => existsSync(fileOf(spec, 'driver.pid'))],
    ['has a driver and some workers', (spec: JobSpec) => existsSync(fileOf(spec, 'worker-3.pid'))],
  ])('are started, each once, where the agent was killed when the job %s', async (_when, isTime) => {
    const spec = newSpec('waits', { workers: { count: 6 } })
    await launchAndDie(spec, () => isTime(spec))
    expect(await machine.launcher.launch(spec)).toBe(spec.name)
    await untilRunning(machine, spec.name, 6)
    expect(await machine.processes(spec.name)).toHaveLength(7)
    await machine.launcher.remove(spec.name)
  })

  it('are started where the job was only begun: a folder, or a folder and its record', async () => {
    const empty = newSpec('completes')
    mkdirSync(join(machine.folder, empty.name))
    expect(await machine.launcher.status(empty.name)).toEqual({ state: 'gone' })
    await machine.launcher.launch(empty)
    await untilState(machine, empty.name, 'succeeded')

    const recorded = newSpec('completes')
    mkdirSync(join(machine.folder, recorded.name))
    const record = { ...JSON.parse(readFileSync(fileOf(empty, 'job.json'), 'utf8')), run: recorded.run }
    writeFileSync(fileOf(recorded, 'job.json'), JSON.stringify(record))
    expect(await machine.launcher.status(recorded.name)).toEqual({ state: 'waiting' })
    await machine.launcher.launch(recorded)
    await untilState(machine, recorded.name, 'succeeded')
  })

  it('do not start any more where the job was cancelled when it was only begun', async () => {
    const spec = newSpec('completes')
    const other = newSpec('completes')
    await machine.launcher.launch(other)
    mkdirSync(join(machine.folder, spec.name))
    writeFileSync(fileOf(spec, 'job.json'), readFileSync(fileOf(other, 'job.json')))
    await machine.launcher.cancel(spec.name)
    expect(await machine.launcher.status(spec.name)).toMatchObject({ state: 'failed', reason: 'cancelled' })
    await machine.launcher.launch(spec)
    expect(await machine.processes(spec.name)).toEqual([])
    expect(await machine.launcher.status(spec.name)).toMatchObject({ state: 'failed', reason: 'cancelled' })
  })

  it('are started once where many agents launch them at once', async () => {
    const spec = newSpec('waits', { workers: { count: 2 } })
    const agents = await Promise.all(Array.from({ length: 8 }, () => machine.another()))
    await Promise.all(agents.map((agent) => agent.launch(spec)))
    // By the time that a job which is launched later runs, all that this one has has begun.
    const later = newSpec('waits')
    await machine.launcher.launch(later)
    await untilRunning(machine, later.name)
    await untilRunning(machine, spec.name, 2)
    expect(await machine.processes(spec.name)).toHaveLength(3)
    await machine.launcher.remove(spec.name)
    expect(await machine.processes(spec.name)).toHaveLength(3)
  })

  it('do not start where the job was stopped while they were being started', async () => {
    const spec = newSpec('completes')
    const path = join(machine.folder, spec.name)
    mkdirSync(path)
    writeFileSync(join(path, 'stopped'), '')
    await start({
      script: await bringSupervisor(machine.folder),
      job: path,
      role: 'driver',
      grace: 1000,
      command: [process.execPath, ...PROGRAMS.driver],
      cwd: machine.root,
      environment: spec.environment,
    })
    await until(() => existsSync(join(path, 'driver.exit')))
    expect(readFileSync(join(path, 'driver.exit'), 'utf8')).toBe('143\n')
    expect(existsSync(join(path, 'driver.log'))).toBe(false)
  })

  it('are killed when they do not go, also where the agent that told them is gone', async () => {
    const spec = newSpec('ignores SIGTERM')
    await launchAndDie(spec, () => processesIn(join(machine.root, 'notes'), spec.name).length === 1)
    const [running] = await untilRunning(machine, spec.name)
    expect(running?.isRunning).toBe(true)
    const canceller = await machine.another()
    await canceller.cancel(spec.name)
    await until(async () => (await machine.processes(spec.name))[0]?.output.length === 2)
    await canceller.cancel(spec.name)
    await canceller.close()
    // Told once: a worker that is told twice does not finish what it holds.
    const [killed] = await untilStill(machine, spec.name)
    expect(killed?.output).toEqual(['the driver begins', 'the driver was told to go'])
    expect(await untilState(machine, spec.name, 'failed')).toMatchObject({ reason: 'cancelled', exitCode: 137 })
  })

  it('have their time when the job is removed, and then leave a new job of its name alone', async () => {
    const spec = newSpec('ignores SIGTERM')
    await machine.launcher.launch(spec)
    await untilRunning(machine, spec.name)
    const supervisor = pidOf(spec, 'driver')
    await machine.launcher.remove(spec.name)
    expect(existsSync(join(machine.folder, spec.name))).toBe(false)
    const again = newSpec('waits', { run: spec.run })
    await machine.launcher.launch(again)
    await until(() => !isRunning(supervisor))
    await untilRunning(machine, again.name)
    expect(await machine.launcher.status(again.name)).toEqual({ state: 'running' })
    await machine.launcher.remove(again.name)
    await untilStill(machine, again.name)
  })

  it('run on, and can be stopped, when the shell that looks after them is killed', async () => {
    const spec = newSpec('waits')
    await machine.launcher.launch(spec)
    await untilRunning(machine, spec.name)
    const supervisor = pidOf(spec, 'driver')
    process.kill(supervisor, 'SIGKILL')
    await until(() => !isRunning(supervisor))
    expect(await machine.launcher.status(spec.name)).toEqual({ state: 'running' })
    expect((await machine.processes(spec.name))[0]?.isRunning).toBe(true)
    await machine.launcher.cancel(spec.name)
    await untilStill(machine, spec.name)
    expect(await untilState(machine, spec.name, 'failed')).toMatchObject({
      reason: 'unknown',
      message: expect.stringContaining('the shell that looks after it'),
    })
    await machine.launcher.remove(spec.name)
  })

  it('are not taken for other processes that have their numbers now', async () => {
    const spec = newSpec('waits')
    await machine.launcher.launch(spec)
    await untilRunning(machine, spec.name)
    const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 60_000)'], { detached: true })
    const [, pid] = [await once(bystander, 'spawn'), bystander.pid]
    const real = pidOf(spec, 'driver')
    writeFileSync(fileOf(spec, 'driver.pid'), `${pid}\n`)
    expect(await machine.launcher.status(spec.name)).toMatchObject({ state: 'failed', reason: 'unknown' })
    await machine.launcher.cancel(spec.name)
    writeFileSync(fileOf(spec, 'driver.pid'), `${real}\n`)
    await machine.launcher.remove(spec.name)
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull()
    bystander.kill('SIGKILL')
    await once(bystander, 'exit')
  })

  it('are known to be gone when the machine was started anew', async () => {
    const spec = newSpec('completes')
    await machine.launcher.launch(spec)
    await untilState(machine, spec.name, 'succeeded')
    const record = JSON.parse(readFileSync(fileOf(spec, 'job.json'), 'utf8'))
    writeFileSync(fileOf(spec, 'job.json'), JSON.stringify({ ...record, place: 'before' }))
    expect(await machine.launcher.status(spec.name)).toMatchObject({ state: 'succeeded' })
    await rm(fileOf(spec, 'driver.exit'))
    // Its number may be anybody's now: this test's, for one.
    writeFileSync(fileOf(spec, 'driver.pid'), `${process.pid}\n`)
    expect(await machine.launcher.status(spec.name)).toMatchObject({
      state: 'failed',
      reason: 'preempted',
      message: expect.stringContaining('started anew'),
    })
    await rm(fileOf(spec, 'driver.pid'))
    await machine.launcher.launch(spec)
    expect(readdirSync(join(machine.folder, spec.name)).sort()).toEqual(['driver.log', 'job.json'])
    await machine.launcher.remove(spec.name)
    expect(existsSync(join(machine.folder, spec.name))).toBe(false)
  })

  it('leave nothing behind that they started themselves', async () => {
    const programs = { driver: ['-c', 'sleep 1000 & echo $!; exit 5'], worker: [] }
    const launcher = processLauncher({ ...machine.options, node: '/bin/sh', programs })
    const handle = await launcher.launch(newSpec('completes'))
    expect(await untilState({ launcher }, handle, 'failed')).toMatchObject({ exitCode: 5 })
    const [left] = await launcher.tail(handle)
    await until(() => !isRunning(Number(left)))
  })

  it('have their password neither in a file nor on a command line, and their folder to themselves', async () => {
    const environment = { MILLRACE_DATABASE: 'postgres://app:pass-w0rd@db.example/runs' }
    const spec = newSpec('waits', { environment })
    await machine.launcher.launch(spec)
    await untilRunning(machine, spec.name)
    const files = readdirSync(join(machine.folder, spec.name))
    expect(files).toEqual(expect.arrayContaining(['driver.log', 'driver.pid', 'job.json']))
    for (const file of files) expect(readFileSync(fileOf(spec, file), 'utf8')).not.toContain('pass-w0rd')
    expect(statSync(machine.folder).mode & 0o777).toBe(0o700)
    expect(statSync(join(machine.folder, spec.name)).mode & 0o777).toBe(0o700)
    const shown = spawn('ps', ['-A', '-ww', '-o', 'command='])
    const pieces: Buffer[] = []
    for await (const piece of shown.stdout) pieces.push(piece as Buffer)
    const commands = Buffer.concat(pieces).toString()
    expect(commands).toContain(`${spec.name} driver`)
    expect(commands).not.toContain('pass-w0rd')
  })

  it('have the environment of the agent, the run contract apart', async () => {
    process.env.TEST_SECRET_OF_A_LAPTOP = 'handed down'
    process.env.MILLRACE_CACHE = '/cache/of/the/machine'
    const spec = newSpec('tells its environment')
    try {
      await machine.launcher.launch(spec)
    } finally {
      delete process.env.TEST_SECRET_OF_A_LAPTOP
      delete process.env.MILLRACE_CACHE
    }
    const told = await until(async () => (await machine.processes(spec.name))[0]?.output[1])
    const environment = { TEST_SECRET_OF_A_LAPTOP: 'handed down', MILLRACE_CACHE: '/cache/of/the/machine' }
    expect(JSON.parse(told)).toMatchObject({ ...environment, PATH: process.env.PATH })
  })

  it('say by which signal they ended', async () => {
    const spec = newSpec('waits')
    await machine.launcher.launch(spec)
    const driver = await until(() => readdirSync(join(machine.root, 'notes')).find((note) => note.includes(spec.name)))
    process.kill(Number(driver.split('-').at(-1)), 'SIGKILL')
    expect(await untilState(machine, spec.name, 'failed')).toEqual({
      state: 'failed',
      reason: 'exit',
      exitCode: 137,
      message: 'its program ended with exit code 137 (SIGKILL: killed by somebody, or because memory ran out)',
    })
    expect(ended(139, false).message).toBe('its program ended with exit code 139 (SIGSEGV)')
    expect(ended(200, false).message).toBe('its program ended with exit code 200')
  })

  it('are told of in the end where there is no program to start', async () => {
    const launcher = processLauncher({ ...machine.options, node: '/no/such/node' })
    const handle = await launcher.launch(newSpec('completes'))
    expect(await untilState({ launcher }, handle, 'failed')).toMatchObject({ reason: 'exit', exitCode: 127 })
    expect((await launcher.tail(handle)).join()).toMatch(/\/no\/such\/node.*not found/)
  })

  it('are not started for a job whose name is no name, or a way out of the folder', async () => {
    for (const name of ['../outside', '.', '', 'UPPER', 'a/b']) {
      await expect(machine.launcher.launch({ ...newSpec('completes'), name })).rejects.toMatchObject({
        name: 'LaunchError',
        kind: 'refused',
      })
      expect(await machine.launcher.status(name)).toEqual({ state: 'gone' })
      await machine.launcher.cancel(name)
      await machine.launcher.remove(name)
      expect(await machine.launcher.tail(name)).toEqual([])
    }
    expect(existsSync(machine.folder)).toBe(true)
  })

  it('are refused, in one sentence, where they cannot be', async () => {
    const file = join(machine.root, 'a-file')
    writeFileSync(file, '')
    const inFile = processLauncher({ ...machine.options, folder: join(file, 'jobs') })
    await expect(inFile.launch(newSpec('completes'))).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('a-file'),
    })
    const nowhere = processLauncher({ ...machine.options, root: '/no/such/project' })
    await expect(nowhere.launch(newSpec('completes'))).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining("the project's folder /no/such/project is not there"),
    })
    const environment = { MILLRACE_STORE: 'a\0b' }
    await expect(machine.launcher.launch(newSpec('completes', { environment }))).rejects.toMatchObject({
      kind: 'refused',
    })
  })

  it('are listed where no job was ever launched, and what was left half removed goes', async () => {
    const folder = join(machine.root, 'no-jobs-yet')
    const launcher = processLauncher({ ...machine.options, folder })
    expect(await launcher.list()).toEqual([])
    mkdirSync(join(folder, '.removed-half/deep'), { recursive: true })
    expect(await launcher.list()).toEqual([])
    expect(readdirSync(folder)).toEqual([])
  })

  it('are for Linux and macOS', () => {
    const real = Object.getOwnPropertyDescriptor(process, 'platform') ?? {}
    Object.defineProperty(process, 'platform', { ...real, value: 'win32' })
    try {
      expect(() => processLauncher(machine.options)).toThrow('the process launcher needs Linux or macOS')
    } finally {
      Object.defineProperty(process, 'platform', real)
    }
  })
})

describe('the output of a process', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-output-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  it('is cut when it is large: its end stays, and what comes after', async () => {
    const file = join(folder, 'large.log')
    const lines = Array.from({ length: 40_000 }, (_, i) => `${i} ${'ü'.repeat(250)}`)
    writeFileSync(file, `${lines.join('\n')}\n`)
    await bounded(file).trim()
    expect(statSync(file).size).toBe(0)
    expect(statSync(`${file}.old`).size).toBeLessThanOrEqual(2 ** 20)
    expect(await bounded(file).lastLines(2)).toEqual(lines.slice(-2))
    appendFileSync(file, 'more\n')
    await bounded(file).trim()
    expect(await bounded(file).lastLines(3)).toEqual([...lines.slice(-2), 'more'])
    expect(await bounded(file).lastLines(1)).toEqual(['more'])
  })

  it('is read back from its end, as far as is needed', async () => {
    const file = join(folder, 'long.log')
    const long = '水'.repeat(100_000)
    writeFileSync(file, `first\n${long}\n\nlast without an end`)
    expect(await bounded(file).lastLines(1)).toEqual(['last without an end'])
    expect(await bounded(file).lastLines(3)).toEqual([long, '', 'last without an end'])
    expect(await bounded(file).lastLines(9)).toEqual(['first', long, '', 'last without an end'])
    expect(await bounded(file).lastLines(0)).toEqual([])
    expect(await bounded(join(folder, 'none.log')).lastLines(5)).toEqual([])
  })
})

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
