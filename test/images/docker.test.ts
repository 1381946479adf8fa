import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createRun, importFlow, PostgresStore } from '@millrace/engine'
import { type AssembledImage, assembleImages, BASE_IMAGE, buildImage, dockerVersion, imageTag } from '@millrace/release'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase } from '../database.ts'
import { command } from '../e2e/command.ts'
import { compareTrees } from '../golden/compare.ts'
import { until } from '../until.ts'
import { NONROOT, REPOSITORY } from './tree.ts'

const GOLDEN = join(REPOSITORY, 'test/golden/datacube/03-qualifiers')
const SAFELY = ['--rm', '--read-only', '--tmpfs', '/tmp', '--cap-drop', 'ALL']
const run = promisify(execFile)

const engine = await dockerVersion()
if (engine === undefined) console.warn('SKIPPED: no Docker engine answers, so that no image is built and run')

describe.skipIf(engine === undefined)(`images, built and run (Docker ${engine ?? 'does not answer'})`, () => {
  let out: string
  let images: ReadonlyMap<string, AssembledImage>
  beforeAll(async () => {
    out = mkdtempSync(join(tmpdir(), 'millrace-docker-'))
    const assembled = await assembleImages(['runtime', 'worker', 'console', { flow: 'hello' }, { flow: 'datacube' }], {
      root: REPOSITORY,
      out,
      base: await findBase(),
    })
    for (const image of assembled) await buildImage(image)
    images = new Map(assembled.map((image) => [image.name, image]))
  }, 600_000)
  afterAll(() => rmSync(out, { recursive: true, force: true }))

  const tag = (name: string): string => {
    const image = images.get(name)
    if (!image) throw new Error(`there is no image ${name}`)
    return imageTag(image)
  }
  const docker = async (...args: readonly string[]): Promise<string> => (await run('docker', args)).stdout

  it('are not built again', async () => {
    for (const image of images.values()) expect(await buildImage(image)).toBe(false)
  })

  it('hello prints what the laptop prints', async () => {
    const steady = (text: string): string => text.replace(/Completed in .* \(/, 'Completed in TIME (')
    const laptop = await command('millrace run hello --param names=Ada', REPOSITORY)
    const container = await docker(
      'run',
      ...SAFELY,
      '--network',
      'none',
      tag('flow-hello'),
      'run',
      'hello',
      '-p',
      'names=Ada',
    )
    expect(steady(container)).toBe(steady(laptop.out))
  })

  it('datacube computes what the laptop computes', async () => {
    const folder = join(out, 'datacube')
    execFileSync('mkdir', ['-m', '777', folder])
    const volumes = ['-v', `${GOLDEN}:/in:ro`, '-v', `${folder}:/out`, '-w', '/in']
    const to = ['-p', 'model_bucket=file:///out', '-p', 'indicator_bucket=file:///out']
    await docker('run', ...SAFELY, '--network', 'none', ...volumes, tag('flow-datacube'), '-f', 'params.json', ...to)
    expect(compareTrees(join(GOLDEN, 'expected.jsonl'), folder)).toEqual([])
  })

  it('a driver and a worker, of one image and of another, work together', async () => {
    const database = await createDatabase()
    const store = await PostgresStore.open(database.url)
    const worker = `millrace-test-${process.pid}`
    try {
      const image = images.get('flow-hello')
      const [path = ''] = (
        await docker('run', '--rm', '--entrypoint', '/app/bin/node', tag('flow-hello'), '-p', OWN_BUNDLE)
      ).split('\n')
      const digest = path.slice(-68, -4)
      const flow = await importFlow(join(image?.folder ?? '', 'app'), { flow: 'hello', path })
      const source = { flow: 'hello', path, digest }
      const { id } = await createRun({ flow, source, params: { names: ['Ada', 'Grace'] }, executor: 'cluster', store })
      const told = ['--network', 'host', '-e', `MILLRACE_DATABASE=${database.url}`]
      const own = ['-e', `MILLRACE_BUNDLE=file:///app/${path}`, '--entrypoint', '/app/bin/node', tag('flow-hello')]
      await docker('run', '--detach', '--name', worker, ...SAFELY, ...told, ...own, '/app/images/worker/main.ts')
      const log = await docker('run', ...SAFELY, ...told, '-e', `MILLRACE_RUN=${id}`, tag('flow-hello'))
      expect(JSON.parse(log.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
        event: 'run-ended',
        state: 'Completed',
      })
      expect(await docker('inspect', '--format', '{{.State.Running}}', worker)).toBe('true\n')
      // SIGTERM, and SIGKILL much later: it goes by itself.
      await docker('stop', '--time', '20', worker)
      await until(
        async () => (await database.query('select name from worker where state = $1', ['stopped'])).length === 1,
      )
    } finally {
      await docker('rm', '--force', worker).catch(() => {})
      await store.close()
      await database.drop()
    }
  })

  it('nobody in them is root, and the worker and the console start', async () => {
    const who = ['--entrypoint', '/app/bin/node']
    for (const name of images.keys()) {
      expect(await docker('run', ...SAFELY, ...who, tag(name), '-p', 'process.getuid()')).toBe(`${NONROOT}\n`)
    }
    const { stdout } = (await docker('run', ...SAFELY, tag('worker')).catch((error: unknown) => error)) as {
      stdout: string
    }
    expect(JSON.parse(stdout)).toMatchObject({ severity: 'ERROR', message: 'MILLRACE_DATABASE is not set' })
  })

  it('start from compiled code, which they cannot change', async () => {
    const { stderr } = await run('docker', [
      'run',
      ...SAFELY,
      '-e',
      'NODE_DEBUG_NATIVE=COMPILE_CACHE',
      tag('flow-hello'),
      '-q',
    ])
    expect(stderr.match(/was accepted/g)?.length).toBeGreaterThan(200)
    expect(stderr).not.toContain('was rejected')
  })
})

const OWN_BUNDLE = `fs.globSync('bundles/*/*.mjs', { cwd: '/app' })[0]`

/** The base of the project where its registry is reached, one made of Debian's packages elsewhere. */
async function findBase(): Promise<string> {
  const given = process.env.MILLRACE_TEST_BASE
  if (given) return given
  try {
    await run('docker', ['pull', '--quiet', BASE_IMAGE], { timeout: 120_000 })
    return BASE_IMAGE
  } catch {
    return (await run('sh', [join(REPOSITORY, 'images/base/make-base.sh')])).stdout.trim()
  }
}
