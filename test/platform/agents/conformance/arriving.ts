import { expect, it } from 'vitest'
import { JOB_LABEL } from '../../../../platform/agents/launcher.ts'
import { until } from '../../../until.ts'
import type { JobProcess } from '../programs.ts'
import { type LauncherStage, needs, specOf, untilRunning } from '../stage.ts'

const GIB = 2 ** 30
/** What has gone wrong in shells, YAML and URLs. */
const ODD = {
  ODD_SPACES: '  two  ',
  ODD_QUOTES: `it's "quoted" \`so\``,
  ODD_LINES: 'one\ntwo\r\n\tthree\n',
  ODD_DOLLARS: ['$HOME $(id) $$ $', '{X:-y} $(HOME)'].join(''),
  ODD_SIGNS: 'a=b;c&d|e>f\\n\\ %20 # {{x}} *',
  ODD_LETTERS: 'Grüße, 水, 🌊',
  ODD_JSON: '{"a":["b",{"c":"\\"d\\""}]}',
  ODD_LONG: 'x'.repeat(5000),
}

export function arriving(stage: () => LauncherStage): void {
  it('gives driver and workers the environment of the job', async () => {
    const environment = { MILLRACE_LAUNCH: '1', MILLRACE_DATABASE: 'postgres://app@db.example:5432/runs' }
    const spec = specOf(stage(), 'tells its environment', { environment, workers: { count: 2 } })
    for (const told of await environmentsOf(stage(), spec)) expect(told).toMatchObject(spec.environment)
  })

  it('brings odd values in the environment over as they are', async () => {
    const spec = specOf(stage(), 'tells its environment', { environment: ODD, workers: { count: 1 } })
    for (const told of await environmentsOf(stage(), spec)) expect(told).toMatchObject(ODD)
  })

  it('hands no part of the run contract down from the agent', async () => {
    process.env.MILLRACE_RELEASES = 'file:///releases-of-the-agent'
    process.env.MILLRACE_CLUSTER = 'cluster-of-the-agent'
    try {
      const [told = {}] = await environmentsOf(stage(), specOf(stage(), 'tells its environment'))
      expect(Object.keys(told)).not.toContain('MILLRACE_RELEASES')
      expect(Object.keys(told)).not.toContain('MILLRACE_CLUSTER')
    } finally {
      delete process.env.MILLRACE_RELEASES
      delete process.env.MILLRACE_CLUSTER
    }
  })

  it('writes no secret of the agent down, only versions of secrets', async () => {
    process.env.POSTGIS_PASSWORD = 'value-of-the-secret'
    try {
      const versions = '{"postgis-password":"projects/p/secrets/postgis-password/versions/3"}'
      const spec = specOf(stage(), 'tells its environment', { environment: { MILLRACE_SECRETS: versions } })
      const handle = await stage().launcher.launch(spec)
      const { text } = await stage().seen(handle)
      expect(text).toContain(spec.run)
      expect(text).not.toContain('value-of-the-secret')
      const [told] = (await untilTold(stage(), handle, 0)).map(environmentOf)
      expect(told?.MILLRACE_SECRETS).toBe(versions)
    } finally {
      delete process.env.POSTGIS_PASSWORD
    }
  })

  it('labels what it makes with run, launch, stack, flow and deadline', async (context) => {
    needs(context, stage(), 'labels')
    const deadline = Date.now() + 3_600_000
    const spec = specOf(stage(), 'completes', { launch: 7, flow: 'odd-flow', deadline })
    expect((await stage().seen(await stage().launcher.launch(spec))).labels).toMatchObject({
      [JOB_LABEL.millrace]: 'job',
      [JOB_LABEL.run]: spec.run,
      [JOB_LABEL.launch]: '7',
      [JOB_LABEL.stack]: stage().stack,
      [JOB_LABEL.flow]: 'odd-flow',
      [JOB_LABEL.deadline]: String(deadline),
    })
  })

  it('starts driver and workers from the same image', async (context) => {
    needs(context, stage(), 'image')
    const spec = specOf(stage(), 'completes', { workers: { count: 1 } })
    const { driver, workers } = await stage().seen(await stage().launcher.launch(spec))
    expect(driver?.image).toBe(spec.image)
    expect(workers?.image).toBe(spec.image)
  })

  it('asks for the processors of driver and workers, parts of one too', async (context) => {
    needs(context, stage(), 'cpu')
    const spec = specOf(stage(), 'completes', { driver: { cpu: 2 }, workers: { count: 2, cpu: 1 } })
    const { driver, workers } = await stage().seen(await stage().launcher.launch(spec))
    expect(driver?.cpu).toBe(2)
    expect(workers).toMatchObject({ cpu: 1, count: 2 })
  })

  it('asks for the memory of driver and workers', async (context) => {
    needs(context, stage(), 'memory')
    const spec = specOf(stage(), 'completes', {
      driver: { cpu: 2, memory: 4 * GIB },
      workers: { count: 1, cpu: 1, memory: 2 * GIB },
    })
    const { driver, workers } = await stage().seen(await stage().launcher.launch(spec))
    expect(driver?.memory).toBe(4 * GIB)
    expect(workers?.memory).toBe(2 * GIB)
  })

  it('asks for a GPU where one is wanted, and only there', async (context) => {
    needs(context, stage(), 'gpu')
    const spec = specOf(stage(), 'completes', { driver: { gpu: 1 }, workers: { count: 1 } })
    const { driver, workers } = await stage().seen(await stage().launcher.launch(spec))
    expect(driver?.gpu).toBe(1)
    expect(workers?.gpu ?? 0).toBe(0)
  })

  it('asks for a machine type by its name', async (context) => {
    needs(context, stage(), 'machineType')
    const spec = specOf(stage(), 'completes', {
      driver: { machineType: 'n2-standard-4' },
      workers: { count: 1, machineType: 'n2-highmem-8' },
    })
    const { driver, workers } = await stage().seen(await stage().launcher.launch(spec))
    expect(driver?.machineType).toBe('n2-standard-4')
    expect(workers?.machineType).toBe('n2-highmem-8')
  })

  it('asks for spot machines where they are wanted', async (context) => {
    needs(context, stage(), 'spot')
    const workers = { count: 1, spot: true }
    const spot = await stage().launcher.launch(specOf(stage(), 'completes', { driver: { spot: true }, workers }))
    const { driver, workers: both } = await stage().seen(spot)
    expect([driver?.spot, both?.spot]).toEqual([true, true])
    const plain = await stage().launcher.launch(specOf(stage(), 'completes'))
    expect((await stage().seen(plain)).driver?.spot ?? false).toBe(false)
  })

  it('runs as the service account that is asked for', async (context) => {
    needs(context, stage(), 'account')
    const account = 'flow-hello@example-project.iam.gserviceaccount.com'
    const handle = await stage().launcher.launch(specOf(stage(), 'completes', { account, workers: { count: 1 } }))
    expect((await stage().seen(handle)).account).toBe(account)
  })

  it('tells the platform the deadline', async (context) => {
    needs(context, stage(), 'deadline')
    const deadline = Date.now() + 3_600_000
    const seen = await stage().seen(await stage().launcher.launch(specOf(stage(), 'completes', { deadline })))
    expect(Math.abs((seen.deadline ?? 0) - deadline)).toBeLessThan(60_000)
  })
}

type Environment = Readonly<Record<string, string | undefined>>

/** What the processes of a job, once they run, say that their environment is. */
async function environmentsOf(stage: LauncherStage, spec: ReturnType<typeof specOf>): Promise<Environment[]> {
  const handle = await stage.launcher.launch(spec)
  return (await untilTold(stage, handle, spec.workers.count)).map(environmentOf)
}

async function untilTold(stage: LauncherStage, handle: string, workers: number): Promise<readonly JobProcess[]> {
  await untilRunning(stage, handle, workers)
  return until(async () => {
    const found = await stage.processes(handle)
    return found.every(({ output }) => output.length > 1) ? found : undefined
  })
}

function environmentOf({ output }: JobProcess): Environment {
  return JSON.parse(output[1] ?? '{}') as Environment
}
