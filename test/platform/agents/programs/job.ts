// What stands for driver and workers in the tests of launchers. It does what TEST_DOES says (a worker: what
// TEST_WORKER_DOES says, where that is set). Its role is its argument, or, where a platform starts it under the name of
// our programs, follows from its path. Unless it `runs`, it imports nothing of ours, so
// that it can be put into an image as it is.
// With TEST_FOLDER it leaves a note there, JOB-ROLE-PID, in which its output is once more (programs.ts reads them).
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'

const role = process.argv[2] ?? (/\/worker\//.test(process.argv[1] ?? '') ? 'worker' : 'driver')
const does = (role === 'worker' && process.env.TEST_WORKER_DOES) || process.env.TEST_DOES || 'completes'
const folder = process.env.TEST_FOLDER
const { MILLRACE_RUN, MILLRACE_LAUNCH, TEST_JOB = `millrace-${MILLRACE_RUN}-${MILLRACE_LAUNCH}` } = process.env
const note = folder && join(folder, `${TEST_JOB}-${role}-${process.pid}`)

function say(line: string, to: NodeJS.WriteStream = process.stdout): void {
  if (note) appendFileSync(note, `${line}\n`)
  to.write(`${line}\n`)
}

/** Until somebody ends it; by itself only where a test was killed that would have. */
function wait(): void {
  setTimeout(() => process.exit(1), 300_000)
}

process.on('SIGTERM', () => {
  // Our own programs know what to do.
  if (does === 'runs') return
  say(`the ${role} was told to go`)
  if (does !== 'ignores SIGTERM') process.exit(143)
})
say(`the ${role} begins`)
switch (does) {
  case 'runs':
    await import(`${process.env.TEST_ROOT}/images/${role === 'driver' ? 'flow' : 'worker'}/main.ts`)
    break
  case 'completes':
    say(`the ${role} is done`)
    break
  case 'fails':
    say('no luck', process.stderr)
    process.exitCode = 3
    break
  case 'waits':
  case 'ignores SIGTERM':
    wait()
    break
  case 'tells its environment':
    say(JSON.stringify(process.env))
    wait()
    break
  case 'prints':
    for (const line of JSON.parse(process.env.TEST_LINES ?? '[]') as string[]) say(line)
    wait()
    break
  case 'uses memory': {
    const taken: Buffer[] = []
    for (let more = 0; more < 64; more++) taken.push(Buffer.alloc(64 * 2 ** 20, 1))
    say(`${taken.length * 64} MiB were not enough to be stopped`)
    break
  }
  default:
    throw new Error(`TEST_DOES is "${does}"`)
}
