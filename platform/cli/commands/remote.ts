import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { deploymentRecord } from '@millrace/agents'
import { destination } from '@millrace/agents/notify'
import {
  agents,
  bundleSource,
  type DeploymentRecord,
  deployments,
  enqueue,
  type FlowRun,
  flowNames,
  importFlow,
  isFinalRun,
  type KeyScope,
  loadFlow,
  type Machine,
  type PostgresStore,
  type RunnableDeployment,
  type RunRequest,
  runOfDeployment,
  whyWaiting,
} from '@millrace/engine'
import { bundleFlow, deploymentOf, type FlowManifest, localBundles, putBundle, readManifests } from '@millrace/release'
import { bytes, type Flow, formatDuration, hideSecrets, store as openBundles, redact, UserError } from '@millrace/sdk'
import { EXIT } from '../exit.ts'
import { followRun } from '../follow-run.ts'
import { timeAhead, wholeNumber } from '../input/numbers.ts'
import { formatLog, paint } from '../output/log-line.ts'
import { bigInts, resultText } from '../output/result.ts'
import { gatherParams, type ParamSources } from '../params.ts'
import { count, root } from '../project.ts'
import { withStore } from '../with-store.ts'
import { deployedIn } from './deployments.ts'

/** What `--remote` takes besides what every run takes. */
export interface RemoteOptions extends ParamSources {
  readonly database?: string
  readonly label?: readonly string[]
  readonly launcher?: string
  readonly workers?: string
  readonly cpu?: string
  readonly memory?: string
  readonly gpu?: string
  readonly machineType?: string
  readonly spot?: boolean
  readonly queue?: string
  readonly priority?: string
  readonly key?: string
  readonly keyScope?: KeyScope
  readonly notBefore?: string
  readonly callback?: readonly string[]
  readonly ephemeral?: boolean
  readonly watch?: boolean
  readonly quiet?: boolean
  readonly json?: boolean
}

/** `millrace run DEPLOYMENT --remote`: queues a run, for an agent to launch. */
export async function runRemotely(name: string, options: RemoteOptions): Promise<void> {
  const request = readRequest(options)
  await withStore(options, async (store) => {
    const { deployment, flow } = options.ephemeral ? await fromHere(store, name) : await deployed(store, name)
    const run = runOfDeployment(deployment, { ...request, ...(await readParams(deployment, flow, options)) })
    const [queued] = await enqueue(store, [run])
    if (!queued) throw new Error('nothing was queued')
    if (options.watch) process.exitCode = await watch(store, queued.run, options)
    else await show(store, queued.run, queued.isKnown, options.json ?? false)
  })
}

interface Runnable {
  readonly deployment: RunnableDeployment
  /** Where its code is at hand: to read parameters by. */
  readonly flow: Flow | undefined
}

/** Agents see what is deployed within so long (ms), and register it. */
const REGISTERED_WITHIN = 6000

async function deployed(store: PostgresStore, name: string): Promise<Runnable> {
  const fix = `Deploy the flow with "millrace deploy ${name}", or run it as it is here with --ephemeral.`
  const found = deployedIn(await registered(store, name), name, fix)
  return { deployment: found, flow: await codeOf(found) }
}

/** All that is registered; a name that is not there yet may have been deployed a moment ago. */
async function registered(store: PostgresStore, name: string): Promise<DeploymentRecord[]> {
  for (const end = Date.now() + REGISTERED_WITHIN; ; await sleep(100)) {
    const all = await deployments(store.database)
    const isKnown = all.some((each) => each.name === name) || !flowNames(root).includes(name.replace(/@.*/, ''))
    if (isKnown || Date.now() > end || !(await agents(store.database)).some(({ isAlive }) => isAlive)) return all
  }
}

/** The bundle that is deployed, where this machine can read it. */
async function codeOf({ flow, source, job }: DeploymentRecord): Promise<Flow | undefined> {
  if (!job.bundles.startsWith('file:')) return undefined
  const folder = decodeURIComponent(job.bundles.slice('file:'.length))
  const file = join(folder, flow, `${source.digest}.mjs`)
  // A folder of containers, for instance.
  return existsSync(file) ? await importFlow(root, bundleSource(root, file)) : undefined
}

/** The flow as it is in this folder, for one run: nothing of it stays deployed. */
async function fromHere(store: PostgresStore, name: string): Promise<Runnable> {
  const { flow } = await loadFlow(root, name)
  const [manifest] = await readManifests(root, [name])
  if (!manifest) throw new Error(`there is no manifest of ${name}`)
  const bundle = await bundleFlow(root, name)
  const base = (await deployments(store.database)).find((each) => each.name === name)
  const bundles = base?.job.bundles ?? localBundles(root)
  await putBundle(openBundles(bundles), bundle, manifest)
  const own = asDeployed(manifest, bundle.digest, bundles)
  const { release: _release, commit: _commit, ...kept } = base ?? own
  return { deployment: { ...kept, source: own.source }, flow }
}

/** A flow that is deployed nowhere is launched as it says itself. */
function asDeployed(manifest: FlowManifest, bundle: string, bundles: string): DeploymentRecord {
  const { name } = manifest
  const given = { bundle, secretVersions: {}, schedules: false }
  const effective = { ...deploymentOf(manifest, {}, given), name, branch: undefined, bundles, paused: false }
  const stack = process.env.MILLRACE_ENV ?? 'dev'
  return deploymentRecord(effective, { stack, release: undefined, commit: undefined })
}

/** Parameters as a person gave them, checked where the code is at hand, with the name that they make: else its driver gives it. */
async function readParams(
  { flow: name, params }: RunnableDeployment,
  flow: Flow | undefined,
  sources: ParamSources,
): Promise<Pick<RunRequest, 'params' | 'name'>> {
  const given = await gatherParams(root, flow ?? name, sources)
  const safe = hideSecrets(given) as Record<string, unknown>
  if (!flow) return { params: safe }
  const { definition } = flow
  return { params: safe, name: redact(definition.runName(definition.parse({ ...params, ...given }))) }
}

/** @throws UserError naming the option that is wrong, before anything is queued */
function readRequest(options: RemoteOptions): RunRequest {
  const { label, launcher, queue, priority, key, keyScope = 'queued', notBefore } = options
  const own = options.workers === undefined ? undefined : count(options.workers, '--workers', 0)
  const machine = readMachine(options)
  const isForWorkers = own !== undefined && own > 0
  return {
    ...(label && { labels: label }),
    ...(launcher !== undefined && { launcher }),
    ...(queue !== undefined && { queue }),
    ...(priority !== undefined && { priority: wholeNumber(priority, '--priority') }),
    ...(key !== undefined && { key: { text: key, scope: keyScope } }),
    ...(notBefore !== undefined && { notBefore: timeAhead(notBefore, '--not-before') }),
    ...(options.callback && { callbacks: options.callback.map((to) => ({ to: checked(to) })) }),
    // A run that may be taken away may be so as a whole.
    driver: isForWorkers ? onlySpot(machine) : machine,
    ...(own !== undefined && { workers: { count: own, ...(isForWorkers && machine) } }),
  }
}

function onlySpot({ spot }: Machine): Machine {
  return spot === undefined ? {} : { spot }
}

function readMachine({ cpu, memory, gpu, machineType, spot }: RemoteOptions): Machine {
  return {
    ...(cpu !== undefined && { cpu: positive(cpu, '--cpu') }),
    ...(memory !== undefined && { memory: bytes(memory, '--memory') }),
    ...(gpu !== undefined && { gpu: count(gpu, '--gpu', 0) }),
    ...(machineType !== undefined && { machineType }),
    ...(spot !== undefined && { spot }),
  }
}

/** @throws UserError when nobody can be told there */
function checked(to: string): string {
  destination(to, '--callback')
  return to
}

function positive(text: string, option: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value > 0 && Number.isFinite(value)) return value
  throw new UserError(`${option}: expected a number above 0, got "${text}"`)
}

async function show(store: PostgresStore, run: FlowRun, isKnown: boolean, json: boolean): Promise<void> {
  if (json) {
    const { source: _source, ...facts } = run
    process.stdout.write(`${JSON.stringify({ ...facts, isKnown }, null, 2)}\n`)
    return
  }
  const why = await whyWaiting(store.database, run.id)
  process.stdout.write(`${run.id} ${run.name} ${run.state}${isKnown ? ' (it was queued before)' : ''}\n`)
  if (why !== undefined) process.stderr.write(`millrace: it waits: ${why}\n`)
  process.stderr.write(`  follow it with: millrace runs logs ${run.id} --watch\n`)
}

/** Shows a run as it goes, wherever it does. Ctrl-C leaves it alone. @returns the exit code */
async function watch(store: PostgresStore, { id, name }: FlowRun, options: RemoteOptions): Promise<number> {
  const { quiet = false, json = false } = options
  const leave = new AbortController()
  const onSignal = (): void => leave.abort()
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  const say = (text: string): void => void (quiet || process.stderr.write(`${paint('gray', text)}\n`))
  say(`run ${id} (${name})`)
  let told = ''
  const onLook = async (run: FlowRun): Promise<void> => {
    const why = run.state === 'Scheduled' ? await whyWaiting(store.database, id) : undefined
    const text = why === undefined ? `is ${run.state}` : `waits: ${why}`
    if (text !== told) say(`run ${id} ${text}`)
    told = text
  }
  try {
    const ended = await followRun(
      store,
      id,
      ({ source, ...entry }) => {
        if (!quiet && entry.level !== 'debug') process.stderr.write(`${formatLog(source, entry)}\n`)
      },
      { watch: true, onLook, signal: leave.signal },
    )
    if (!ended) throw new UserError(`run ${id} was deleted`)
    if (!isFinalRun(ended.state)) {
      say(`run ${id} goes on; stop it with: millrace runs cancel ${id}`)
      return EXIT.interrupted
    }
    await showEnd(store, ended, json)
    return ended.state === 'Completed' ? EXIT.completed : ended.state === 'Cancelled' ? EXIT.interrupted : EXIT.failed
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}

async function showEnd(store: PostgresStore, run: FlowRun, json: boolean): Promise<void> {
  const result = await store.runResult(run.id)
  if (json) {
    const { source: _source, ...facts } = run
    process.stdout.write(`${JSON.stringify({ ...facts, result: result ?? null }, bigInts, 2)}\n`)
    return
  }
  if (run.message !== undefined && run.state !== 'Completed') process.stderr.write(`millrace: ${run.message}\n`)
  const took = formatDuration((run.ended ?? Date.now()) - (run.started ?? run.created))
  process.stdout.write(`${run.name} ${run.state} in ${took}\n`)
  if (result === undefined) return
  process.stdout.write(`${resultText(result)}\n`)
}
