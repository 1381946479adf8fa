import { execFileSync } from 'node:child_process'
import { delimiter, join, sep } from 'node:path'
import { type Bench, ROOT } from './harness/bench.ts'
import type { Benchmark, Row } from './harness/benchmark.ts'

export const coldHello: Benchmark = {
  name: 'cold-hello',
  what: '`millrace run hello` from a shell, from the start of the process to its end',
  repetitions: 10,
  run,
}

async function* run(bench: Bench): AsyncGenerator<Row[]> {
  const bin = join(ROOT, 'node_modules/.bin')
  const elsewhere = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((entry) => !entry.includes(`${sep}node_modules${sep}`))
  const machine = elsewhere.join(delimiter)
  const pinned = [bin, ...elsewhere].join(delimiter)
  const time = async (path: string, env: Record<string, string> = {}): Promise<number> => {
    const began = performance.now()
    await bench.child(join(bin, 'millrace'), ['run', 'hello'], { env: { PATH: path, ...env } }).done()
    return performance.now() - began
  }
  const version = nodeVersion(machine)
  await time(pinned)
  for (;;) {
    yield [
      { metric: 'Node of the project first on PATH', value: await time(pinned), unit: 'ms', bar: { under: 1000 } },
      ...(version === undefined
        ? []
        : [
            {
              metric: "the machine's own Node on PATH",
              value: await time(machine),
              unit: 'ms',
              bar: { under: 1000 },
              note: `which is ${version}`,
            },
          ]),
      {
        metric: 'for the first time ever',
        value: await time(pinned, { NODE_COMPILE_CACHE: await bench.folder() }),
        unit: 'ms',
        bar: { under: 1000 },
        note: 'no compiled code is kept yet',
      },
    ]
  }
}

function nodeVersion(path: string): string | undefined {
  try {
    return execFileSync('node', ['--version'], { env: { ...process.env, PATH: path }, encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}
