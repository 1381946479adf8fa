import type { IResourceMonitorServer } from '@pulumi/pulumi/proto/resource_grpc_pb.js'
import resource, { type ReadResourceRequest, type RegisterResourceRequest } from '@pulumi/pulumi/proto/resource_pb.js'
import type { SourcePosition, StackTrace } from '@pulumi/pulumi/proto/source_pb.js'
import empty from 'google-protobuf/google/protobuf/empty_pb.js'
import struct, { type Struct } from 'google-protobuf/google/protobuf/struct_pb.js'
import { knownOutputs, type Place } from './known-outputs.ts'
import type { PlannedResource } from './planned-resource.ts'
import { type Frame, framesIn } from './source.ts'
import { unary, unsupported } from './unary.ts'
import { makeUrn, providerUrn } from './urn.ts'
import { fieldsFromWire, secret, UNKNOWN, type WireObject } from './wire.ts'

/** A resource as it comes in, with the calls that led to it, the innermost first. */
export interface Registered extends Omit<PlannedResource, 'outputs'> {
  readonly calls: readonly Frame[]
}

/** What a program says it wants. */
export interface Recording {
  /** In the order of registration. */
  readonly resources: Registered[]
  /** What components, and the stack, registered as their outputs, by URN. */
  readonly outputs: Map<string, PlannedResource['outputs']>
  /** Functions of providers that the program called. */
  readonly calls: Set<string>
}

export interface MonitorOptions {
  readonly root: string
  readonly stack: string
  readonly project: string
  /** Where providers put what does not say so itself; an explicit provider's own inputs come first. */
  readonly place: Place
  /** Makes up what is not known, by the type and name of a resource. @default it stays unknown */
  readonly makeUp?: (type: string, name: string) => Readonly<Record<string, string>>
}

const {
  RESOURCE_MONITOR_FEATURE_SECRETS,
  RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
  RESOURCE_MONITOR_FEATURE_OUTPUT_VALUES,
  RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
  RESOURCE_MONITOR_FEATURE_DELETED_WITH,
  RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
  RESOURCE_MONITOR_FEATURE_PARAMETERIZATION,
} = resource.ResourceMonitorFeature

/** What programs may count on. Transforms and hooks, which call back into the program, are not among it. */
const FEATURES = [
  RESOURCE_MONITOR_FEATURE_SECRETS,
  RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
  RESOURCE_MONITOR_FEATURE_OUTPUT_VALUES,
  RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
  RESOURCE_MONITOR_FEATURE_DELETED_WITH,
  RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
  RESOURCE_MONITOR_FEATURE_PARAMETERIZATION,
]

/** Provider functions that only compute; all others ask the cloud. */
const PURE = new Set(['gcp:organizations/getIAMPolicy:getIAMPolicy'])

/** The part of an engine that a program registers its resources with: it writes them down, and answers as a preview does. */
export function resourceMonitor(options: MonitorOptions): { service: IResourceMonitorServer; recording: Recording } {
  const recording: Recording = { resources: [], outputs: new Map(), calls: new Set() }
  const byUrn = new Map<string, Registered>()

  function record(each: Registered): void {
    recording.resources.push(each)
    byUrn.set(each.urn, each)
  }

  function register(request: RegisterResourceRequest): InstanceType<typeof resource.RegisterResourceResponse> {
    const inputs = objectOf(request.getObject())
    const parent = byUrn.get(request.getParent())
    const dependencies: Record<string, string[]> = {}
    for (const [field, urns] of request.getPropertydependenciesMap().entries()) {
      if (urns.getUrnsList().length > 0) dependencies[field] = urns.getUrnsList()
    }
    const planned = {
      ...described(request, inputs, dependencies),
      custom: request.getCustom(),
      existing: false,
      propertyDependencies: dependencies,
      // A child that says nothing is protected, and kept, as its parent is.
      protect: request.hasProtect() ? request.getProtect() === true : (parent?.protect ?? false),
      retainOnDelete: request.hasRetainondelete()
        ? request.getRetainondelete() === true
        : (parent?.retainOnDelete ?? false),
      ignoreChanges: request.getIgnorechangesList(),
      deleteBeforeReplace: request.getDeletebeforereplace(),
    }
    record(planned)
    const response = new resource.RegisterResourceResponse()
    response.setUrn(planned.urn)
    const outputs = { ...(planned.custom && options.makeUp?.(planned.type, planned.name)), ...planned.known }
    if (outputs.id !== undefined) response.setId(outputs.id)
    response.setObject(answer(inputs, outputs, request.getAdditionalsecretoutputsList()))
    return response
  }

  function read(request: ReadResourceRequest): InstanceType<typeof resource.ReadResourceResponse> {
    const inputs = objectOf(request.getProperties())
    const planned = {
      ...described(request, inputs, {}),
      custom: true,
      existing: true,
      propertyDependencies: {},
      protect: false,
      retainOnDelete: false,
      ignoreChanges: [],
      deleteBeforeReplace: false,
    }
    record({ ...planned, known: { ...planned.known, id: request.getId() } })
    const response = new resource.ReadResourceResponse()
    response.setUrn(planned.urn)
    response.setProperties(answer(inputs, planned.known, request.getAdditionalsecretoutputsList()))
    return response
  }

  /** What both kinds of request have. */
  function described(
    request: RegisterResourceRequest | ReadResourceRequest,
    wire: WireObject,
    dependencies: Readonly<Record<string, readonly string[]>>,
  ) {
    const parent = request.getParent() || undefined
    const type = request.getType()
    const inputs = fieldsFromWire(wire, dependencies)
    const provider = request.getProvider().replace(UNKNOWN, '?') || undefined
    const calls = framesIn(options.root, framesOf(request.getSourceposition(), request.getStacktrace()))
    return {
      urn: makeUrn(options.stack, options.project, parent, type, request.getName()),
      type,
      name: request.getName(),
      parent,
      provider,
      dependencies: request.getDependenciesList(),
      inputs,
      known: knownOutputs(type, inputs, placeOf(provider)),
      source: calls[0] && `${calls[0].file}:${calls[0].line}`,
      calls,
    }
  }

  function placeOf(provider: string | undefined): Place {
    const inputs = provider === undefined ? {} : (byUrn.get(providerUrn(provider))?.inputs ?? {})
    const told = (field: string): string | undefined => {
      const value = inputs[field]
      return typeof value === 'string' ? value : undefined
    }
    const { project, projectNumber, region, zone } = options.place
    return {
      project: told('project') ?? project,
      projectNumber: told('project') === undefined || told('project') === project ? projectNumber : undefined,
      region: told('region') ?? region,
      zone: told('zone') ?? zone,
    }
  }

  function invoke(token: string): InstanceType<typeof resource.ResourceInvokeResponse> {
    if (!PURE.has(token)) {
      recording.calls.add(token)
      throw new Error(`the plan must not depend on the cloud: ${token} is called`)
    }
    const response = new resource.ResourceInvokeResponse()
    response.setUnknown(true)
    return response
  }

  const service: IResourceMonitorServer = {
    getDeploymentInfo: unary(() => {
      const info = new resource.DeploymentInfo()
      info.setSupportedfeaturesList(FEATURES)
      return info
    }),
    supportsFeature: unsupported('asking for one feature'),
    registerResource: unary(register),
    readResource: unary(read),
    registerResourceOutputs: unary((request) => {
      recording.outputs.set(request.getUrn(), fieldsFromWire(objectOf(request.getOutputs())))
      return new empty.Empty()
    }),
    registerPackage: unary((request) => {
      const response = new resource.RegisterPackageResponse()
      response.setRef(`${request.getName()}@${request.getVersion()}`)
      return response
    }),
    invoke: unary((request) => invoke(request.getTok())),
    call: unary((request) => {
      recording.calls.add(request.getTok())
      throw new Error(`the plan must not depend on the cloud: ${request.getTok()} is called`)
    }),
    existsResource: unary((request) => {
      recording.calls.add(`exists ${request.getType()}`)
      throw new Error(`the plan must not depend on the cloud: it is asked whether a ${request.getType()} exists`)
    }),
    signalAndWaitForShutdown: unary(() => new empty.Empty()),
    registerStackTransform: unsupported('transforms'),
    registerStackInvokeTransform: unsupported('transforms'),
    registerResourceHook: unsupported('hooks'),
    registerErrorHook: unsupported('hooks'),
  }
  return { service, recording }
}

/** As in a preview, inputs come back as outputs; to these come what is known, and secrets that are not. */
function answer(inputs: WireObject, known: PlannedResource['known'], secrets: readonly string[]): Struct {
  const { id: _, ...outputs } = known
  const values: Record<string, WireObject[string]> = { ...outputs, ...inputs }
  for (const field of secrets) values[field] = secret(values[field] ?? UNKNOWN)
  return struct.Struct.fromJavaScript(values)
}

function objectOf(value: Struct | undefined): WireObject {
  return (value?.toJavaScript() ?? {}) as WireObject
}

function framesOf(innermost: SourcePosition | undefined, trace: StackTrace | undefined): Frame[] {
  const frames = trace?.getFramesList().map((frame) => frame.getPc()) ?? []
  return (frames.length > 0 ? frames : [innermost]).flatMap((each) =>
    each?.getUri() ? [{ file: each.getUri(), line: each.getLine() }] : [],
  )
}
