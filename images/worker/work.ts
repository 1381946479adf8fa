import { randomBytes } from 'node:crypto'
import { availableParallelism, hostname } from 'node:os'
import { Worker } from '@millrace/engine'
import { bringBundle, ownBundle } from '../runtime/bring-bundle.ts'
import { readContract, required } from '../runtime/contract.ts'
import { HOME, makeHome } from '../runtime/home.ts'
import { writeLine } from '../runtime/log.ts'
import { readSecrets } from '../runtime/read-secrets.ts'
import { writeFailure } from '../runtime/write-failure.ts'

/**
 * Runs a worker as the run contract says: for a run, until that is over, or for all of its cluster. SIGTERM lets it finish what it runs, for so long as it was told; a second one
 * gives the rest back at once.
 * @returns what to end with
 */
export async function work(): Promise<number> {
  try {
    const contract = readContract(process.env)
    const { MILLRACE_LABELS: labels, MILLRACE_BUNDLES: bundles, MILLRACE_RUN: run } = contract
    // What was launched with a run is there for that run.
    const cluster = run === undefined ? contract.MILLRACE_CLUSTER : undefined
    const slots = contract.MILLRACE_SLOTS ?? availableParallelism()
    const name = `${cluster === undefined ? '' : `${cluster}-`}${hostname().split('.')[0]}-${randomBytes(2).toString('hex')}`
    const facts = { worker: name, ...(cluster !== undefined && { cluster }), ...(run !== undefined && { run }) }
    const database = required(contract, 'MILLRACE_DATABASE')
    await makeHome()
    const bundle = contract.MILLRACE_BUNDLE ?? (run === undefined ? undefined : ownBundle())
    if (bundle !== undefined) await bringBundle(bundle)
    await readSecrets(contract.MILLRACE_SECRETS)
    const worker = await Worker.start({
      database,
      root: HOME,
      slots,
      labels,
      name,
      memory: contract.MILLRACE_TASK_MEMORY,
      ...(cluster !== undefined && { cluster }),
      ...(run !== undefined && { run: { id: run, launch: contract.MILLRACE_LAUNCH } }),
      ...(bundles !== undefined && {
        bring: async ({ flow, digest }) => void (await bringBundle(`${bundles}/${flow}/${digest}.mjs`)),
      }),
      onMessage: (text) => writeLine('WARNING', text, facts),
    })
    writeLine('INFO', `worker ${name} is ready`, { ...facts, slots, labels })
    stopWhenTold(worker, contract.MILLRACE_DRAIN_SECONDS * 1000)
    await Promise.race([worker.stopped, worker.failed])
    const why = worker.overBecause === undefined ? '' : `: ${worker.overBecause}`
    writeLine('INFO', `worker ${name} has stopped${why}`, facts)
    return 0
  } catch (error) {
    return writeFailure(error)
  }
}

function stopWhenTold(worker: Worker, patience: number): void {
  let asked = 0
  const stop = (signal: NodeJS.Signals): void => {
    asked++
    writeLine('INFO', `worker ${worker.name} was told to go (${signal})`, {
      worker: worker.name,
      holds: worker.running,
    })
    void worker.stop(asked === 1 ? patience : 0)
  }
  process.on('SIGTERM', stop).on('SIGINT', stop)
}
