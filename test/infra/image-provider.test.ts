import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { credentials, type ServiceError } from '@grpc/grpc-js'
import grpc from '@pulumi/pulumi/proto/provider_grpc_pb.js'
import provider from '@pulumi/pulumi/proto/provider_pb.js'
import struct from 'google-protobuf/google/protobuf/struct_pb.js'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { PROVIDER } from '../../infra/components/image.ts'
import { type FakeDocker, type FakeRegistry, fakeDocker, fakeRegistry } from '../fakes/image-tools.ts'

/** Pulumi's own process for dynamic resources, as the engine starts it: what is in the state of a stack is run by it. */

const INFRA = resolve(import.meta.dirname, '../../infra')
const require = createRequire(join(INFRA, 'main.ts'))
const DIGEST = `sha256:${'d'.repeat(64)}`

let docker: FakeDocker
let process_: ChildProcess
let client: InstanceType<typeof grpc.ResourceProviderClient>
beforeAll(async () => {
  docker = fakeDocker()
  docker.hasEngine(false)
  const program = require.resolve('@pulumi/pulumi/cmd/dynamic-provider')
  process_ = spawn(process.execPath, [program, '127.0.0.1:1'], { cwd: INFRA, stdio: ['ignore', 'pipe', 'inherit'] })
  if (!process_.stdout) throw new Error('it has an output')
  const [port] = await once(createInterface(process_.stdout), 'line')
  client = new grpc.ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure())
  await call('configure', new provider.ConfigureRequest(), { setArgs: {} })
})
afterAll(() => {
  client.close()
  process_.kill()
  docker.remove()
})

let registry: FakeRegistry
beforeEach(async () => {
  registry = await fakeRegistry()
})
afterEach(() => registry.close())

type Fields = Readonly<Record<string, string>>
const message = (fields: Fields) => struct.Struct.fromJavaScript({ ...fields })

/** Asks the process, with objects in the places of a request that are named by its setters. */
function call<Request extends object>(method: string, request: Request, values: Record<string, string | Fields>) {
  for (const [setter, value] of Object.entries(values)) {
    const set = Reflect.get(request, setter) as (value: unknown) => void
    set.call(request, typeof value === 'string' ? value : message(value))
  }
  return new Promise<unknown>((done, fail) => {
    const ask = Reflect.get(client, method) as (
      request: Request,
      answer: (error: ServiceError | null, response: unknown) => void,
    ) => void
    ask.call(client, request, (error, response) => (error ? fail(error) : done(response)))
  })
}

const image = (tag = 'release-1'): Fields => ({ name: 'console', tag, registry: registry.url, __provider: PROVIDER })

it('an image that the registry has is taken as it is', async () => {
  registry.images.set('console:release-1', DIGEST)
  const made = (await call('create', new provider.CreateRequest(), { setProperties: image() })) as InstanceType<
    typeof provider.CreateResponse
  >
  expect(made.getId()).toBe('console')
  expect(made.getProperties()?.toJavaScript()).toEqual({ ...image(), digest: DIGEST })
})

it('one that is missing and cannot be built fails with what to do about it', async () => {
  const failing = call('create', new provider.CreateRequest(), { setProperties: image() })
  await expect(failing).rejects.toThrow(/the image console cannot be built\nStart Docker/)
})

it.each([
  ['the same contents are no change', 'release-1', PROVIDER, 1],
  ['nor is another way to make them', 'release-1', `${PROVIDER} `, 1],
  ['other contents are one', 'release-2', PROVIDER, 2],
])('%s', async (_what, tag, __provider, changes) => {
  const olds = { ...image(), digest: DIGEST }
  const news = { ...image(tag), __provider }
  const answer = (await call('diff', new provider.DiffRequest(), {
    setId: 'console',
    setOlds: olds,
    setNews: news,
  })) as InstanceType<typeof provider.DiffResponse>
  expect(answer.getChanges()).toBe(changes)
  expect(answer.getReplacesList()).toEqual([])
})

it('an update gives the digest of the new one', async () => {
  registry.images.set('console:release-2', DIGEST)
  const answer = (await call('update', new provider.UpdateRequest(), {
    setId: 'console',
    setOlds: { ...image(), digest: 'sha256:0' },
    setNews: image('release-2'),
  })) as InstanceType<typeof provider.UpdateResponse>
  expect(answer.getProperties()?.toJavaScript()).toMatchObject({ tag: 'release-2', digest: DIGEST })
})

it('a refresh misses one that is gone from the registry, and only then', async () => {
  const read = async () =>
    (await call('read', new provider.ReadRequest(), {
      setId: 'console',
      setProperties: { ...image(), digest: DIGEST },
    })) as InstanceType<typeof provider.ReadResponse>
  expect((await read()).getId()).toBe('')
  registry.images.set(`console@${DIGEST}`, DIGEST)
  const there = await read()
  expect(there.getId()).toBe('console')
  expect(there.getProperties()?.toJavaScript()).toMatchObject({ digest: DIGEST, tag: 'release-1' })
})

it('to remove an image from a stack leaves it in the registry', async () => {
  registry.images.set('console:release-1', DIGEST)
  await call('delete', new provider.DeleteRequest(), {
    setId: 'console',
    setProperties: { ...image(), digest: DIGEST },
  })
  expect(registry.images.get('console:release-1')).toBe(DIGEST)
  expect(docker.calls()).toEqual([])
})
