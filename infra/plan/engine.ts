import { Server, ServerCredentials } from '@grpc/grpc-js'
import { EngineService, type IEngineServer } from '@pulumi/pulumi/proto/engine_grpc_pb.js'
import engine from '@pulumi/pulumi/proto/engine_pb.js'
import { ResourceMonitorService } from '@pulumi/pulumi/proto/resource_grpc_pb.js'
import empty from 'google-protobuf/google/protobuf/empty_pb.js'
import { type MonitorOptions, type Recording, resourceMonitor } from './monitor.ts'
import { unary } from './unary.ts'

/** What a program told the engine for a person to read. */
export interface Messages {
  readonly warnings: string[]
  readonly errors: string[]
}

/** An engine that keeps all in memory, listening for one program. */
export interface Engine {
  /** HOST:PORT */
  readonly address: string
  readonly recording: Recording
  readonly messages: Messages
  stop(): void
}

/**
 * Starts an engine. It serves what a program asks of the Pulumi CLI (pulumi/proto/pulumi/engine.proto, resource.proto)
 * and starts no provider: nothing leaves this machine.
 */
export async function startEngine(options: MonitorOptions): Promise<Engine> {
  const messages: Messages = { warnings: [], errors: [] }
  const { service, recording } = resourceMonitor(options)
  const server = new Server({ 'grpc.max_receive_message_length': 400 * 2 ** 20 })
  server.addService(ResourceMonitorService, service)
  server.addService(EngineService, engineService(messages))
  const port = await new Promise<number>((done, fail) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? fail(error) : done(bound),
    ),
  )
  return { address: `127.0.0.1:${port}`, recording, messages, stop: () => server.forceShutdown() }
}

function engineService(messages: Messages): IEngineServer {
  let root = ''
  return {
    log: unary((request) => {
      const { WARNING, ERROR } = engine.LogSeverity
      if (request.getSeverity() === WARNING) messages.warnings.push(request.getMessage())
      if (request.getSeverity() === ERROR) messages.errors.push(request.getMessage())
      return new empty.Empty()
    }),
    getRootResource: unary(() => {
      const response = new engine.GetRootResourceResponse()
      response.setUrn(root)
      return response
    }),
    setRootResource: unary((request) => {
      root = request.getUrn()
      return new engine.SetRootResourceResponse()
    }),
    startDebugging: unary(() => new empty.Empty()),
    requirePulumiVersion: unary(() => new engine.RequirePulumiVersionResponse()),
  }
}
