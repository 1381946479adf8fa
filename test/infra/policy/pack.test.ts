import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { credentials } from '@grpc/grpc-js'
import { AnalyzerClient } from '@pulumi/pulumi/proto/analyzer_grpc_pb.js'
import proto from '@pulumi/pulumi/proto/analyzer_pb.js'
import empty from 'google-protobuf/google/protobuf/empty_pb.js'
import struct, { type JavaScriptValue } from 'google-protobuf/google/protobuf/struct_pb.js'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { policies } from '../../../infra/policy/index.ts'
import { resource } from './fragments.ts'

const PACK = fileURLToPath(new URL('../../../infra/policy/pack', import.meta.url))
const RUNNER = createRequire(import.meta.url).resolve('@pulumi/pulumi/cmd/run-policy-pack')

let pack: ChildProcess
let client: AnalyzerClient

/** Starts the pack as Pulumi's engine does: its runner, with the address of an engine and the folder of the pack. */
beforeAll(async () => {
  pack = spawn(process.execPath, [RUNNER, '127.0.0.1:1', PACK], { cwd: PACK, stdio: ['ignore', 'pipe', 'inherit'] })
  const { stdout } = pack
  if (!stdout) throw new Error('the pack has no output')
  // The first line that it prints is the port at which it listens.
  for await (const port of createInterface(stdout)) {
    client = new AnalyzerClient(`127.0.0.1:${port}`, credentials.createInsecure())
    return
  }
  throw new Error('the pack ended before it listened')
})

afterAll(() => {
  client?.close()
  pack.kill()
})

function analyze(type: string, name: string, inputs: { [key: string]: JavaScriptValue }) {
  const request = new proto.AnalyzeRequest()
  request.setType(type)
  request.setName(name)
  request.setUrn(resource(type, name).urn)
  request.setProperties(struct.Struct.fromJavaScript(inputs))
  request.setOptions(new proto.AnalyzerResourceOptions())
  return new Promise<{ policy: string; message: string; isMandatory: boolean }[]>((resolve, reject) => {
    client.analyze(request, (error, response) => {
      if (error) return reject(error)
      resolve(
        response.getDiagnosticsList().map((each) => ({
          policy: each.getPolicyname(),
          message: each.getMessage(),
          isMandatory: each.getEnforcementlevel() === proto.EnforcementLevel.MANDATORY,
        })),
      )
    })
  })
}

it('serves the policies to the engine of Pulumi', async () => {
  const info = await new Promise<proto.AnalyzerInfo>((resolve, reject) => {
    client.getAnalyzerInfo(new empty.Empty(), (error, response) => (error ? reject(error) : resolve(response)))
  })
  expect(info.getName()).toBe('millrace')
  const names = info.getPoliciesList().map((each) => each.getName())
  expect(names).toEqual(policies.filter(({ needsSecretMarks }) => !needsSecretMarks).map(({ name }) => name))
})

it('stops a key, and names the fix', async () => {
  const said = await analyze('gcp:serviceaccount/key:Key', 'ci', { serviceAccountId: 'agent' })
  expect(said).toEqual([
    {
      policy: 'no-keys',
      message: expect.stringContaining(
        'serviceaccount.Key ci: type makes a key (gcp:serviceaccount/key:Key); remove it',
      ),
      isMandatory: true,
    },
  ])
})

it('lets a good resource pass', async () => {
  expect(await analyze('gcp:serviceaccount/account:Account', 'agent', { accountId: 'agent-run' })).toEqual([])
})
