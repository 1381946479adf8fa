import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { begin, command, type Ended } from './command.ts'
import { copyProject } from './project-copy.ts'

let project: Awaited<ReturnType<typeof copyProject>>
const run = (line: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  command(`millrace ${line}`, project.folder, env)

/** Adds a flow to the project. */
function addFlow(name: string, text: string): void {
  mkdirSync(join(project.folder, 'flows', name), { recursive: true })
  writeFileSync(join(project.folder, 'flows', name, 'flow.ts'), text)
}

beforeAll(async () => {
  project = await copyProject()
  addFlow(
    'moody',
    `import { flow, log, secret, task, UserError } from '@millrace/sdk'
import { z } from 'zod'
const act = task('act', async (how: string) => {
  if (how === 'defect') throw new TypeError('something broke')
  if (how === 'mistake') throw new UserError('the file x.csv has no column "a"', 'Add it.')
  if (how === 'secret') { log.info('the password is ' + secret('db-password')); throw new Error('cannot log in with ' + secret('db-password')) }
  if (how === 'wait') await new Promise((resolve) => setTimeout(resolve, 60_000))
  return how
})
export default flow(
  { name: 'moody', params: z.object({ how: z.string() }), config: { dev: {}, prod: {} } },
  async ({ how }) => act(how),
)
`,
  )
  addFlow('broken', 'export default 42\n')
})
afterAll(() => project.remove())

describe('exit codes and messages', () => {
  it('0, and the result on standard output, when a run completes', async () => {
    const { code, out, err } = await run('run hello')
    expect(code).toBe(0)
    expect(out).toMatch(/^hello-1 Completed in .* \(1 task\)\n\[\n {2}"Hello, world!"\n\]\n$/)
    expect(err).toContain('Hello, world!')
  })

  it('1, and a stack, when a task fails by a defect', async () => {
    const { code, err } = await run('run moody --param how=defect')
    expect(code).toBe(1)
    expect(err).toContain('TypeError: something broke')
    expect(err).toMatch(/at .*flows\/moody\/flow\.ts:4/)
  })

  it('2, and one line with a hint, for a mistake that a task finds', async () => {
    const { code, err } = await run('run moody --param how=mistake')
    expect(code).toBe(2)
    expect(err).toContain('millrace: the file x.csv has no column "a"\n  Add it.\n')
    expect(err).not.toMatch(/\n {4}at /)
  })

  it.each([
    ['run helo', 'millrace: there is no flow "helo"; did you mean "hello"?'],
    ['run moody', 'millrace: flow moody: parameter how: is required (text)'],
    ['run hello --param name=x', 'millrace: flow hello: there is no parameter "name"'],
    ['run hello --param names=[1]', 'millrace: flow hello: parameter names[0]: expected text, got 1'],
    ['run burn --param how=fast', 'millrace: flow burn: parameter how: expected one of "sleep", "cpu", got "fast"'],
    ['run burn --params-file nowhere.json', 'millrace: --params-file: there is no file nowhere.json'],
    ['run moody --param how=x --env qa', 'millrace: flow moody: there is no config for the environment "qa"'],
    ['run broken', 'millrace: flows/broken/flow.ts must export a flow as default'],
    ['run hello --slots=-1', 'millrace: --slots: expected a whole number'],
    ['run hello --cluster nonsense', 'millrace: the database URL must start with postgres://'],
    ['run hello --cluster postgres://u:hidden@127.0.0.1:1/db', 'millrace: no database answers at 127.0.0.1:1/db'],
    ['runs', 'millrace: there is no database here yet'],
    ['run', "error: missing required argument 'flow'"],
    ['fly', "error: unknown command 'fly'"],
    ['graph helo', 'millrace: there is no flow "helo"'],
  ])('2, and one line, for: millrace %s', async (line, message) => {
    const { code, out, err } = await run(line)
    expect(err).toContain(message)
    expect(err).not.toContain('hidden')
    expect(err.trim().split('\n').length).toBeLessThanOrEqual(2)
    expect(out).toBe('')
    expect(code).toBe(2)
  })

  it('130 after Ctrl-C, promptly, though the task would take a minute', async () => {
    const going = begin('millrace run moody --param how=wait --json', project.folder)
    // Long enough for the task to have begun; it says nothing that could be waited for.
    await new Promise((resolve) => setTimeout(resolve, 2500))
    const asked = Date.now()
    going.interrupt()
    const { code, out } = await going.ended
    expect(code).toBe(130)
    expect(JSON.parse(out)).toMatchObject({ state: 'Cancelled' })
    expect(Date.now() - asked).toBeLessThan(5000)
  })

  it('a secret is nowhere in what is printed', async () => {
    const { code, out, err } = await run('run moody --param how=secret', { DB_PASSWORD: 'hunter22' })
    expect(code).toBe(1)
    expect(out + err).not.toContain('hunter22')
    expect(err).toContain('the password is [redacted]')
    expect(err).toContain('cannot log in with [redacted]')
  })
})

describe('for other programs', () => {
  it('--json prints one object and nothing else on standard output', async () => {
    const { out } = await run('run hello --param names=a,b --json')
    expect(JSON.parse(out)).toMatchObject({
      flow: 'hello',
      state: 'Completed',
      result: ['Hello, a!', 'Hello, b!'],
      tasks: { greet: { total: 2, done: 2, failed: 0 } },
    })
  })

  it('--quiet prints nothing when all is well', async () => {
    expect(await run('run hello --quiet')).toEqual({ code: 0, out: '', err: '' })
  })

  it('millrace flows --json lists every flow, also one that does not load', async () => {
    const { code, out } = await run('flows --json')
    const flows = JSON.parse(out) as { name: string }[]
    expect(flows.find(({ name }) => name === 'broken')).toMatchObject({
      error: expect.stringContaining('must export a flow'),
    })
    expect(flows.find(({ name }) => name === 'burn')).toMatchObject({
      params: { properties: { tasks: { default: 500 } } },
    })
    expect(code).toBe(1)
  })
})

describe('help', () => {
  it('of every command has an example', async () => {
    const pages = [
      '',
      'run',
      'runs',
      'runs list',
      'runs show',
      'runs logs',
      'runs cancel',
      'runs pause',
      'runs continue',
      'runs resume',
      'runs report',
      'runs prune',
      'resume',
      'flows',
      'flows list',
      'flows show',
      'graph',
      'worker',
      'worker start',
      'cluster',
      'cluster ping',
      'cluster status',
      'cluster drain',
      'cluster restart',
      'start',
      'demo',
      'doctor',
    ] // prettier-ignore
    for (const page of pages) {
      const { code, out } = await run(`${page} --help`)
      expect(code, page).toBe(0)
      expect(out, page).toMatch(/Examples?:\n {2}(MILLRACE_WORKERS=\S+ )?millrace/)
    }
  })
})

describe('a recorded run', () => {
  it('that failed can be listed, shown, read and resumed', async () => {
    const failed = await run('run moody --param how=defect --record --quiet')
    expect(failed.code).toBe(1)
    const { out } = await run('runs list --state Failed --json')
    const { runs } = JSON.parse(out) as { runs: { id: string; name: string }[] }
    expect(runs).toHaveLength(1)
    const id = runs[0]?.id ?? ''
    expect((await run(`runs show ${id.slice(0, 9)}`)).out).toMatch(/act +1 +1 Failed/)
    expect((await run('runs logs latest')).out).toContain('task act-0 failed: something broke')
    addFlow(
      'moody',
      `import { flow, task } from '@millrace/sdk'
import { z } from 'zod'
const act = task('act', async (how: string) => how + ' mended')
export default flow({ name: 'moody', params: z.object({ how: z.string() }) }, async ({ how }) => act(how))
`,
    )
    const resumed = await run(`resume ${id} --json`)
    expect(JSON.parse(resumed.out)).toMatchObject({ id, state: 'Completed', attempt: 2, result: 'defect mended' })
    expect(resumed.code).toBe(0)
    const again = await run(`resume ${id}`)
    expect(again.code).toBe(2)
    expect(again.err).toContain('is completed: there is nothing to resume')
    const pruned = await run('runs prune --older-than "0 seconds"')
    expect(pruned.out.trim()).toBe(id)
    expect((await run('runs')).out).toBe('No runs.\n')
  })
})
