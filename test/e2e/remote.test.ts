import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../until.ts'
import { begin, command, type Ended, type Going } from './command.ts'
import { copyProject } from './project-copy.ts'

const LONG = 120_000

/** What a person does with the platform on a laptop: each test goes on where the one before ended. */
describe('millrace start, and runs that its agent launches', () => {
  let project: Awaited<ReturnType<typeof copyProject>>
  let platform: Going
  beforeAll(async () => {
    project = await copyProject()
    platform = begin('millrace start --workers 1', project.folder)
    await platform.prints(/are up/, LONG)
  }, LONG)
  afterAll(async () => {
    if (platform.child.exitCode === null) process.kill(-(platform.child.pid ?? 0), 'SIGKILL')
    await platform.ended
    await project.remove()
  }, LONG)

  const millrace = (line: string): Promise<Ended> => command(`millrace ${line}`, project.folder)
  const completes = async (line: string): Promise<Ended> => {
    const ended = await millrace(line)
    expect(ended.code, `${ended.out}\n${ended.err}`).toBe(0)
    return ended
  }
  const hello = (): string => join(project.folder, 'flows/hello/flow.ts')
  const edit = (greeting: string): void => {
    writeFileSync(hello(), readFileSync(hello(), 'utf8').replace(/`\w+, \$\{name\}!`/, `\`${greeting}, \${name}!\``))
  }
  const git = (...args: string[]): void => {
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], { cwd: project.folder })
  }

  it('deploys the flows of the folder, and brings an agent', async () => {
    expect((await completes('deployments')).out).toMatch(/hello/)
    expect((await completes('agents')).out).toMatch(/local .*alive .*process/)
  })

  it(
    'shows a run as it goes elsewhere, and what it returned',
    async () => {
      const { out, err } = await completes(`run hello --remote --watch --param names='["Ada","Grace"]'`)
      expect(err).toContain('Hello, Grace!')
      expect(out).toMatch(/^hello-2 Completed in/)
      expect(out).toContain('"Hello, Ada!"')
    },
    LONG,
  )

  it('says of a run where it ran, and with which code', async () => {
    const { out } = await completes('runs show latest')
    expect(out).toMatch(/state +Completed/)
    expect(out).toMatch(/deployment hello/)
    expect(out).toMatch(/where +process .*: millrace-\w+-1/)
    expect(out).toMatch(/code +[0-9a-f]{12}/)
    expect(out).toMatch(/release +\d{8}T\d{6}Z-[0-9a-f]{8}/)
    const { where, bundle, source } = JSON.parse((await completes('runs show latest --json')).out)
    expect(where).toMatchObject({ launcher: 'process', launch: 1 })
    expect(bundle).toMatch(/^[0-9a-f]{64}$/)
    expect(source).toBeUndefined()
  })

  it('says why a run waits, and lets it go on when it is changed', async () => {
    const { err, out } = await completes('run hello --remote --label nobody')
    expect(err).toContain('no agent has the label nobody')
    const [id = ''] = out.split(' ')
    expect((await completes(`runs show ${id}`)).out).toMatch(/waits +.*no agent has the label nobody/)
    await completes(`runs move ${id} --label ""`).catch(() => completes(`runs cancel ${id}`))
  })

  it('takes a laptop that takes only what asks for it', async () => {
    const laptop = begin('millrace agent start --label me --name laptop', project.folder)
    await laptop.prints(/agent laptop is up/)
    const { err } = await completes('run hello --remote --watch --label me')
    expect(err).toContain('Hello, world!')
    expect(JSON.parse((await completes('runs show latest --json')).out).where).toMatchObject({ agentName: 'laptop' })
    laptop.interrupt()
    expect((await laptop.ended).err).toContain('agent laptop: stopped')
    // It looked after its own runs alone: what is deployed is for others to say.
    expect((await completes('deployments')).out).toMatch(/hello/)
  })

  it(
    'runs what is on a branch beside what is released, from a commit to its log line',
    async () => {
      git('switch', '--quiet', '--create', 'feature/warm')
      edit('Howdy')
      git('commit', '--quiet', '--all', '--message', 'Greet more warmly')
      await completes('deploy')
      const { err } = await completes('run hello@feature-warm --remote --watch')
      expect(err).toContain('Howdy, world!')
      expect((await completes('run hello --remote --watch')).err).toContain('Hello, world!')
      const { commit } = JSON.parse((await completes('runs list --deployment hello@feature-warm --json')).out).runs[0]
      expect(commit).toMatch(/^[0-9a-f]{40}$/)
    },
    LONG,
  )

  it(
    'runs what is in no commit for one run, and deploys nothing of it',
    async () => {
      edit('Ahoy')
      const { err } = await completes('run hello --remote --ephemeral --watch')
      expect(err).toContain('Ahoy, world!')
      expect((await completes('run hello --remote --watch')).err).toContain('Hello, world!')
    },
    LONG,
  )

  it(
    'finishes a run on the code it began with, whatever is released meanwhile',
    async () => {
      const first = begin(
        'millrace run burn --remote --watch --workers 1 --param tasks=40 --param ms=100',
        project.folder,
      )
      await first.prints(/is Running/, LONG)
      const file = join(project.folder, 'flows/burn/flow.ts')
      writeFileSync(file, readFileSync(file, 'utf8').replace("owner: 'platform'", "owner: 'others'"))
      expect((await completes('deploy --branch main burn')).out).toMatch(/Deployed .*release/)
      const released = await until(async () => {
        const [now] = JSON.parse((await completes('deployments list --json')).out).filter(
          ({ name }: { name: string }) => name === 'burn',
        )
        return now.owner === 'others' && now
      })
      const ended = await first.ended
      expect(ended.code, ended.err).toBe(0)
      await completes('run burn --remote --watch --param tasks=2')
      const { runs } = JSON.parse((await completes('runs list --deployment burn --json')).out)
      const codes = await Promise.all(
        runs.map(async ({ id }: { id: string }) => JSON.parse((await completes(`runs show ${id} --json`)).out).bundle),
      )
      expect(codes).toHaveLength(2)
      expect(codes[0]).toBe(released.source.digest)
      expect(codes[1]).not.toBe(codes[0])
    },
    LONG,
  )

  it('names what is wrong before anything is queued', async () => {
    const mistakes = [
      ['run helo --remote', 'there is no deployment "helo"; did you mean "hello"?'],
      ['run hello --remote --param names=[]', 'parameter names'],
      ['run hello --remote --memory much', '--memory: expected an amount of memory'],
      ['run hello --remote --workers few', '--workers: expected a whole number'],
      ['run hello --remote --queue nowhere', 'queue'],
      ['run hello --remote --not-before later', '--not-before'],
    ]
    for (const [line = '', message] of mistakes) {
      const { code, err } = await millrace(line)
      expect(code, err).toBe(2)
      expect(err).toContain(message)
    }
  })

  it(
    'leaves a run that is watched alone when nobody watches any more, and stops it when it is told to',
    async () => {
      const watched = begin('millrace run burn --remote --watch --param tasks=200 --param ms=500', project.folder)
      await watched.prints(/is Running/, LONG)
      watched.interrupt()
      const { code, err } = await watched.ended
      expect(code).toBe(130)
      const [, id = ''] = /run (\w+) goes on/.exec(err) ?? []
      expect((await completes(`runs cancel ${id}`)).out).toMatch(/Cancelled/)
    },
    LONG,
  )

  it(
    'ends with all that it started',
    async () => {
      platform.interrupt()
      const { code, err } = await platform.ended
      expect(code, err).toBe(0)
      await until(async () => (await command(`pgrep -f ${project.folder}/`, project.folder)).out.trim() === '', 20_000)
    },
    LONG,
  )
})
