import { mkdtempSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Agent, type AgentNews, type AgentOptions } from '@millrace/agents'
import { enqueue, type FlowRun, lastLaunch, PostgresStore, type QueuedRun, runOfDeployment } from '@millrace/engine'
import { bundleFlow } from '@millrace/release'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, type TestDatabase } from '../../database.ts'
import { PROJECT } from '../../process.ts'
import { linesOf, until } from '../../until.ts'
import { countOf, type LauncherStage, lever, untilStill } from './stage.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
/** Drivers are real processes, and machines that test may be busy. */
const LONG = 90_000

/** An agent on a launcher's stage, with a database, and the flow `steps` of the test project as a bundle. */
interface Office {
  readonly stage: LauncherStage
  readonly store: PostgresStore
  readonly server: TestDatabase
  readonly agent: Agent
  readonly news: AgentNews[]
  /** Queues a run of the flow. @param params default: two steps */
  queue(params?: object, more?: Partial<QueuedRun>): Promise<FlowRun>
  /** Lines that its steps wrote. */
  steps(what: string): string[]
  readonly file: string
}

/**
 * What a person may count on, whichever way an agent launches: the same flow, and the same record of its run. Drivers and
 * workers are the real programs; the platforms are what the stage has.
 */
export function agentsConformance(name: string, open: () => Promise<LauncherStage>): void {
  describe(`an agent with ${name}`, () => {
    let stage: LauncherStage
    let server: TestDatabase
    let store: PostgresStore
    let folder: string
    let bundle: { bundles: string; digest: string }
    const agents: Agent[] = []
    let files = 0
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'millrace-agents-'))
      ;[stage, server, bundle] = await Promise.all([open(), createDatabase(), makeBundle(folder)])
      store = await PostgresStore.open(server.url)
    }, LONG)
    // What one of them does must not be taken for what another one is told.
    afterEach(async () => {
      await Promise.all(agents.splice(0).map((agent) => agent.stop(0)))
    }, LONG)
    afterAll(async () => {
      await stage?.close()
      await store?.close()
      await server?.drop()
      await rm(folder, { recursive: true, force: true })
    }, LONG)

    /** An agent of its own for each test: labels keep their runs apart. */
    async function openOffice(options: Partial<AgentOptions> = {}, does = 'runs'): Promise<Office> {
      const label = `t${files++}`
      const file = join(folder, label)
      const news: AgentNews[] = []
      const agent = await Agent.start({
        store,
        launcher: await stage.another(),
        labels: [label],
        limit: 5,
        surroundings: {
          stack: stage.stack,
          database: server.url,
          store: `file:${folder}/store`,
          environment: { ...inherited(), ...stage.defaults.environment, TEST_DOES: does, TEST_ROOT: ROOT },
        },
        every: { sweep: 100, schedules: 60_000 },
        reaper: { every: 50, driverGrace: 300, restartGrace: 100 },
        tell: (each) => news.push(each),
        ...options,
      })
      agents.push(agent)
      return {
        stage,
        store,
        server,
        agent,
        news,
        file,
        steps: (what) => linesOf(file).filter((line) => line.startsWith(`${what} `)),
        async queue(params = { count: 2 }, more = {}) {
          const run = runOfDeployment(
            {
              name: 'steps',
              flow: 'steps',
              env: 'dev',
              queue: 'default',
              labels: [label],
              params: {},
              source: { flow: 'steps', path: `bundles/steps/${bundle.digest}.mjs`, digest: bundle.digest },
              job: { bundles: bundle.bundles, driver: {}, workers: { count: 0 }, secretVersions: {}, ...image(stage) },
              release: '20261125T000000Z-0123abcd',
            },
            { params: { file, ...params } },
          )
          const [queued] = await enqueue(store, [{ ...run, ...more }])
          if (!queued) throw new Error('nothing was queued')
          return queued.run
        },
      }
    }

    it(
      'runs a flow, and the record says all of it',
      async () => {
        const { queue, steps } = await openOffice()
        const { id } = await queue({ count: 3 })
        const run = await untilOver(store, id)
        expect(run).toMatchObject({
          state: 'Completed',
          attempt: 1,
          launch: 1,
          executor: 'threads',
          deployment: 'steps',
          release: '20261125T000000Z-0123abcd',
          source: { flow: 'steps', digest: bundle.digest },
        })
        expect(await store.runResult(id)).toMatchObject({ sum: 3, count: 3 })
        expect(await store.taskCounts(id)).toEqual({ step: { Completed: 3 } })
        expect(steps('end')).toHaveLength(3)
        expect(await lastLaunch(store.database, id)).toMatchObject({
          launch: 1,
          launcher: stage.launcher.kind,
          place: stage.launcher.place,
          jobName: `millrace-${id}-1`,
        })
        await untilClean(stage, id)
      },
      LONG,
    )

    it(
      'gives a run workers of its own, which end with it',
      async () => {
        const { queue, steps } = await openOffice()
        const job = { bundles: bundle.bundles, driver: {}, workers: { count: 2 }, secretVersions: {}, ...image(stage) }
        const { id } = await queue({ count: 20, ms: 50 }, { job, executor: 'cluster' })
        const run = await untilOver(store, id)
        expect(run).toMatchObject({ state: 'Completed', executor: 'cluster' })
        expect(new Set(steps('end').map((line) => line.split(' ')[2])).size).toBeGreaterThan(0)
        const handle = (await lastLaunch(store.database, id))?.handle ?? ''
        const processes = await stage.processes(handle)
        expect(countOf(processes, 'worker')).toBe(2)
        await untilClean(stage, id)
        await untilStill(stage, handle)
      },
      LONG,
    )

    it(
      'says why a flow failed',
      async () => {
        const { queue } = await openOffice()
        const { id } = await queue({ count: 'many' })
        const run = await untilOver(store, id)
        expect(run.state).toBe('Failed')
        expect(run.message).toMatch(/parameter count: expected .*number/)
        await untilClean(stage, id)
      },
      LONG,
    )

    it(
      'stops a run that is cancelled, and its job',
      async () => {
        const { queue, steps } = await openOffice()
        const { id } = await queue({ count: 1000, ms: 50 })
        await until(() => steps('end').length > 0, LONG)
        await store.setState(id, 'Cancelling', { message: 'cancelled by a person' })
        expect(await untilOver(store, id)).toMatchObject({ state: 'Cancelled' })
        await untilClean(stage, id)
      },
      LONG,
    )

    it(
      'stops the job of a run that is cancelled while it is being made',
      async () => {
        const gate = Promise.withResolvers<void>()
        const inner = await stage.another()
        const launch: typeof inner.launch = async (spec) => {
          await gate.promise
          return await inner.launch(spec)
        }
        const { queue, steps } = await openOffice({ launcher: { ...inner, launch } })
        const { id } = await queue({ count: 1000, ms: 50 })
        await until(async () => (await store.findRun(id))?.state === 'Pending')
        await store.setState(id, 'Cancelled', { message: 'cancelled by a person' })
        gate.resolve()
        await untilClean(stage, id)
        expect(await store.findRun(id)).toMatchObject({ state: 'Cancelled', message: 'cancelled by a person' })
        expect(steps('end')).toEqual([])
      },
      LONG,
    )

    it(
      'makes one job where the answer was lost, and waits for a platform that is busy',
      async (context) => {
        const { queue, steps } = await openOffice()
        const breakNext = lever(context, stage, 'breakNext')
        const { id: first } = await (async () => {
          breakNext('answer lost')
          return await queue()
        })()
        expect(await untilOver(store, first)).toMatchObject({ state: 'Completed' })
        breakNext('away', 3)
        const { id: second } = await queue()
        expect(await untilOver(store, second)).toMatchObject({ state: 'Completed' })
        expect(steps('begin')).toHaveLength(4)
        await untilClean(stage, first)
        await untilClean(stage, second)
      },
      LONG,
    )

    it(
      'gives up a run that the platform refuses, in its words',
      async (context) => {
        const { queue } = await openOffice({ patience: { image: 100, start: 2000 } })
        const { machineType, words } = lever(context, stage, 'unknownMachine')()
        const { id } = await queue({}, withJob(stage, bundle.bundles, { driver: machineOf(stage, machineType) }))
        const run = await untilOver(store, id)
        expect(run).toMatchObject({ state: 'Crashed' })
        expect(run.message).toContain(words)
        await untilClean(stage, id)
      },
      LONG,
    )

    it(
      'gives up a run that it may not launch, and says which permission it lacks',
      async (context) => {
        // Nothing else is asked of the platform meanwhile.
        const { queue } = await openOffice({ every: { sweep: LONG, schedules: LONG } })
        const permission = lever(context, stage, 'breakNext')('denied')
        const denied = await untilOver(store, (await queue()).id)
        expect(denied).toMatchObject({ state: 'Crashed' })
        expect(denied.message).toContain('it could not be launched')
        if (permission !== undefined) expect(denied.message).toContain(permission)
      },
      LONG,
    )

    it(
      'gives up a run whose image cannot be pulled, in the words of the platform',
      async (context) => {
        const { queue } = await openOffice({ patience: { image: 100 } })
        const { image: missing, words } = lever(context, stage, 'missingImage')()
        const { id } = await queue({}, withJob(stage, bundle.bundles, { image: missing }))
        const run = await untilOver(store, id)
        expect(run).toMatchObject({ state: 'Crashed' })
        expect(run.message).toContain(words)
        await untilClean(stage, id)
      },
      LONG,
    )

    it(
      'lets a run wait for a machine, and gives it up when none comes',
      async (context) => {
        const hold = lever(context, stage, 'holdMachines')
        const give = lever(context, stage, 'giveMachines')
        const patientOffice = await openOffice()
        hold()
        const { id } = await patientOffice.queue()
        await until(async () => (await lastLaunch(store.database, id))?.handle, LONG)
        give()
        expect(await untilOver(store, id)).toMatchObject({ state: 'Completed', launch: 1 })
        await untilClean(stage, id)
        await patientOffice.agent.stop(0)
        const words = hold()
        const hasty = await openOffice({ patience: { start: 300 } })
        const { id: late } = await hasty.queue()
        const run = await untilOver(store, late)
        expect(run).toMatchObject({ state: 'Crashed' })
        expect(run.message).toContain('it has not started within')
        expect(run.message).toContain(words)
        give()
        await untilClean(stage, late)
      },
      LONG,
    )

    it(
      'says of a run that it ran out of memory, and shows its last lines',
      async (context) => {
        const little = lever(context, stage, 'littleMemory')()
        const { queue } = await openOffice({}, 'uses memory')
        const { id } = await queue({}, withJob(stage, bundle.bundles, { driver: little.driver ?? {} }))
        const run = await untilOver(store, id)
        expect(run).toMatchObject({ state: 'Crashed' })
        expect(run.message).toContain('out of memory')
        await untilClean(stage, id)
      },
      LONG,
    )

    it(
      'launches a run again whose machine was taken away, and it goes on from what is finished',
      async (context) => {
        const preempt = lever(context, stage, 'preempt')
        const { queue, steps } = await openOffice()
        const { id } = await queue({ count: 40, ms: 60 })
        // What is written down as finished: of what is finished, the last may not be when a machine vanishes.
        const done = await until(async () => {
          const found = await store.taskRuns(id, { states: ['Completed'] })
          return found.length >= 4 ? found.map(({ seq }) => String(seq)) : undefined
        }, LONG)
        await preempt((await lastLaunch(store.database, id))?.handle ?? '')
        const run = await untilOver(store, id)
        expect(run).toMatchObject({ state: 'Completed', launch: 2, attempt: 2 })
        const begun = steps('begin').map((line) => line.split(' ')[1])
        for (const item of done) expect(begun.filter((each) => each === item)).toHaveLength(1)
        await untilClean(stage, id)
      },
      LONG,
    )

    it(
      'cleans up in the end where deleting does not work at first',
      async (context) => {
        const breakNext = lever(context, stage, 'breakNext')
        const { queue, news } = await openOffice()
        const { id } = await queue()
        await untilOver(store, id)
        breakNext('away', 3)
        await untilClean(stage, id)
        expect(news.length).toBeGreaterThan(0)
      },
      LONG,
    )
  })
}

async function makeBundle(folder: string): Promise<{ bundles: string; digest: string }> {
  const { digest, code } = await bundleFlow(PROJECT, 'steps')
  await mkdir(join(folder, 'bundles/steps'), { recursive: true })
  await writeFile(join(folder, `bundles/steps/${digest}.mjs`), code)
  return { bundles: `file:${folder}/bundles`, digest }
}

function image({ defaults }: LauncherStage): { image?: string } {
  return defaults.image === undefined ? {} : { image: defaults.image }
}

function withJob(stage: LauncherStage, bundles: string, more: Partial<QueuedRun['job']>): Partial<QueuedRun> {
  return { job: { bundles, driver: {}, workers: { count: 0 }, secretVersions: {}, ...image(stage), ...more } }
}

/** Cloud Run knows types of GPUs alone. */
function machineOf({ launcher }: LauncherStage, machineType: string): QueuedRun['job']['driver'] {
  return launcher.kind === 'cloud-run' ? { machineType, gpu: 1 } : { machineType }
}

/** What programs need of the environment of this process. */
function inherited(): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'NODE_COMPILE_CACHE', 'TEST_PASSWORD']
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  )
}

function untilOver(store: PostgresStore, id: string): Promise<FlowRun> {
  return until(async () => {
    const run = await store.findRun(id)
    return run?.ended === undefined ? undefined : run
  }, LONG)
}

/** Waits until neither the platform nor the ledger has anything of a run. */
async function untilClean({ launcher }: LauncherStage, id: string): Promise<void> {
  await until(async () => {
    const jobs = await launcher.list().catch(() => undefined)
    return jobs && !jobs.some(({ run }) => run === id)
  }, LONG)
}
