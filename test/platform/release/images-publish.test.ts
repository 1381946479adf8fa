import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { CLOUD_SYSTEM, imagePlanner, publishImage, releaseTag } from '@millrace/release'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { type FakeDocker, type FakeRegistry, fakeDocker, fakeRegistry } from '../../fakes/image-tools.ts'
import { mistakeOf } from '../sdk/failure.ts'

const REPOSITORY = resolve(import.meta.dirname, '../../..')
const PARTS = ['flows', 'images', 'infra', 'platform', 'package.json', 'package-lock.json']
const DIGEST = /^sha256:[0-9a-f]{64}$/

let root: string
let tag: string
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'millrace-publish-'))
  for (const part of PARTS) await cp(join(REPOSITORY, part), join(root, part), { recursive: true })
  symlinkSync(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'))
  tag = releaseTag(await imagePlanner({ root, system: CLOUD_SYSTEM })({ flow: 'hello' }))
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

let registry: FakeRegistry
let docker: FakeDocker
beforeEach(async () => {
  registry = await fakeRegistry()
  docker = fakeDocker()
})
afterEach(async () => {
  docker.remove()
  rmSync(join(root, 'out'), { recursive: true, force: true })
  await registry.close()
})

/** The image of the flow hello, as an `up` asks for it. */
function hello() {
  const base = `${registry.url}/runtime@sha256:${'1'.repeat(64)}`
  return { name: 'flow-hello', tag, registry: registry.url, base }
}

it('an image is built from a folder that has all of it, on the digest of its runtime, and pushed', async () => {
  const image = hello()
  expect(await publishImage(root, image)).toMatch(DIGEST)
  const [build, push, ...more] = docker.calls()
  const name = `${registry.url}/flow-hello:${tag}`
  expect(build).toContain(`build --platform linux/amd64 --build-arg BASE=${image.base} --tag ${name} --file `)
  expect(push).toBe(`push --quiet ${name}`)
  expect(more).toEqual([])
  const folder = build?.split(' ').at(-1) ?? ''
  expect(readFileSync(join(folder, 'Dockerfile'), 'utf8')).toContain('COPY app/bundles /app/bundles')
  expect(existsSync(join(folder, 'app/bundles/hello'))).toBe(true)
})

it('an image that the registry has is not built again, nor is a Docker engine asked for', async () => {
  const image = hello()
  const digest = await publishImage(root, image)
  docker.calls()
  docker.hasEngine(false)
  rmSync(join(root, 'out'), { recursive: true })
  expect(await publishImage(root, image)).toBe(digest)
  expect(docker.calls()).toEqual([])
  expect(existsSync(join(root, 'out'))).toBe(false)
})

it('what was not pushed as a whole is done again', async () => {
  const image = hello()
  docker.mayPush(false)
  expect(await mistakeOf(() => publishImage(root, image))).toMatch(
    /^docker push of \S+\/flow-hello:release-\w+ ended with 1; what it says is above\nIf it asks who you are: gcloud auth configure-docker 127\.0\.0\.1:\d+$/,
  )
  docker.mayPush(true)
  expect(await publishImage(root, image)).toMatch(DIGEST)
})

it('nothing is built of sources that are no longer what was planned', async () => {
  const image = hello()
  const file = join(root, 'flows/hello/flow.ts')
  const text = readFileSync(file)
  appendFileSync(file, 'export const more = 1\n')
  expect(await mistakeOf(() => publishImage(root, image))).toBe(
    'what the image flow-hello is made of was changed meanwhile; do it again',
  )
  expect(docker.calls()).toEqual([])
  await cp(join(REPOSITORY, 'flows/hello/flow.ts'), file)
  expect(readFileSync(file)).toEqual(text)
})

it('without a Docker engine it is said which image cannot be built', async () => {
  docker.hasEngine(false)
  const image = hello()
  expect(await mistakeOf(() => publishImage(root, image))).toBe(
    'no Docker engine answers, so that the image flow-hello cannot be built\nStart Docker, and do it again: images that are built already need none.',
  )
})

it('a registry that is overloaded is asked again', async () => {
  const image = hello()
  const digest = await publishImage(root, image)
  registry.troubles.push(503)
  expect(await publishImage(root, image)).toBe(digest)
})

it('a registry that does not let us look is not taken for an empty one', async () => {
  const image = hello()
  registry.troubles.push(403)
  expect(await mistakeOf(() => publishImage(root, image))).toMatch(
    /^the registry 127\.0\.0\.1:\d+ does not let you look at project\/millrace\/flow-hello \(403\)\n.*downloadArtifacts/,
  )
  expect(docker.calls()).toEqual([])
})
