import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bench } from './harness/bench.ts'
import type { Benchmark, Row } from './harness/benchmark.ts'
import { LIMIT } from './harness/dispatcher.ts'
import type { Platform } from './harness/platform.ts'
import { git } from './harness/project.ts'

export const commitToLine: Benchmark = {
  name: 'commit-to-line',
  what: 'a changed hello on a branch: git commit, `millrace deploy`, `millrace run hello@BRANCH --remote --watch`',
  repetitions: 5,
  run,
}

async function* run(bench: Bench): AsyncGenerator<Row[]> {
  const platform = await bench.platform(LIMIT)
  for (let i = 1; ; i++) yield await changeAndRun(platform, i)
}

async function changeAndRun(platform: Platform, i: number): Promise<Row[]> {
  const branch = `better-${i}`
  const file = join(platform.folder, 'flows/hello/flow.ts')
  git(platform.folder, 'switch', '--quiet', '--create', branch, 'main')
  const code = await readFile(file, 'utf8')
  const changed = code.replace('Hello, ', `Hello from ${branch}, `)
  if (changed === code) throw new Error('hello does not say Hello any more: change this benchmark with it')
  await writeFile(file, changed)
  const began = performance.now()
  git(platform.folder, 'commit', '--quiet', '--all', '--message', 'Greet better')
  const committed = performance.now()
  await platform.millrace(['deploy', 'hello']).done()
  const deployed = performance.now()
  // Until the agent has taken note there is no such deployment to run.
  await platform.deployed(`hello@${branch}`)
  const noted = performance.now()
  const watching = platform.millrace(['run', `hello@${branch}`, '--remote', '--watch'])
  await watching.said(`Hello from ${branch}`)
  const said = performance.now()
  await watching.done()
  return [
    { metric: 'from git commit to the first line', value: said - began, unit: 'ms', bar: { under: 10_000 } },
    { metric: 'of it, git commit', value: committed - began, unit: 'ms' },
    { metric: 'of it, `millrace deploy`', value: deployed - committed, unit: 'ms' },
    { metric: 'of it, until the agent has taken note', value: noted - deployed, unit: 'ms' },
    { metric: 'of it, `millrace run`', value: said - noted, unit: 'ms' },
  ]
}
