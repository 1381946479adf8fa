import type { FlowManifest } from '@millrace/release'
import * as gcp from '@pulumi/gcp'
import * as pulumi from '@pulumi/pulumi'
import type { FlowConfig } from '../config.ts'
import { type Agent, letActAs } from './agent.ts'
import { logAlert } from './alert.ts'
import type { Cluster } from './cluster.ts'
import type { Foundation } from './foundation.ts'
import { type Identity, makeIdentity } from './identity.ts'
import { eventFilter, LOG_EVENT } from './log-events.ts'

export interface FlowDeploymentArgs {
  readonly foundation: Foundation
  readonly manifest: FlowManifest
  /** What this stack says of it. */
  readonly config: FlowConfig
  /** Whether its schedule is live. */
  readonly schedules: boolean
  /** Those that may launch it. */
  readonly agents: Readonly<Record<string, Agent>>
  /** Where its jobs may run as its account, in a stack that has one. */
  readonly cluster: Cluster | undefined
  /** Where alerts go. */
  readonly channels: readonly pulumi.Input<string>[]
}

/**
 * A flow in this stack: a service account of its own, which reads its own secrets, its own bundles and writes below its
 * own prefix; and what is deployed of it (parameters, schedule, resources, image, versions of secrets), written down
 * where agents and the console find it. Somebody is told when a run of it fails.
 */
export class FlowDeployment extends pulumi.ComponentResource {
  readonly identity: Identity
  /** What is deployed, as JSON. */
  readonly record: gcp.storage.BucketObject

  constructor(name: string, args: FlowDeploymentArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:FlowDeployment', name, {}, opts)
    const { foundation, manifest, config, agents, cluster } = args
    const { place, buckets, services } = foundation
    const flow = manifest.name
    const prefix = `flows/${flow}/`
    const parent = this
    this.identity = makeFlowIdentity()
    letAgentsLaunch(this.identity)
    this.record = makeRecord(this.identity)
    makeAlert()
    this.registerOutputs({
      account: this.identity.account.email,
      record: this.record.name,
      secrets: [...manifest.secrets],
    })

    function makeFlowIdentity(): Identity {
      const identity = makeIdentity(
        foundation,
        { kind: 'flow', name: flow, description: `Runs the flow ${flow}`, secrets: manifest.secrets },
        parent,
      )
      const { member } = identity
      const grants = [
        buckets.grant(
          `flow-${flow}-reads-bundles`,
          { bucket: buckets.bundles, role: 'objectViewer', member, prefix: `${flow}/` },
          parent,
        ),
        buckets.grant(
          `flow-${flow}-writes-results`,
          { bucket: buckets.results, role: 'objectUser', member, prefix },
          parent,
        ),
      ]
      return { ...identity, grants: [...identity.grants, ...grants] }
    }

    function letAgentsLaunch({ account }: Identity) {
      for (const [agent, each] of Object.entries(agents)) {
        letActAs(`flow-${flow}-launched-by-${agent}`, each.identity, account, parent)
      }
      // The agent names each job's Kubernetes account after the flow.
      cluster?.letBe(`flow-${flow}`, account, parent)
    }

    function makeRecord({ account, grants }: Identity) {
      const { registry, images, secrets } = foundation
      const image = registry.image('runtime', images.runtime)
      const content = pulumi
        .all([image, account.email, secrets.pinned(manifest.secrets), buckets.results.url])
        .apply(([image, account, versions, results]) =>
          JSON.stringify(
            {
              ...deployed(manifest, config, args.schedules),
              stack: place.stack,
              image,
              account,
              secretVersions: JSON.parse(versions) as unknown,
              store: `${results}/${prefix}`,
            },
            null,
            2,
          ),
        )
      return new gcp.storage.BucketObject(
        `deployment-${flow}`,
        {
          bucket: buckets.releases.name,
          name: `deployments/${flow}.json`,
          // Not `content`, which the provider takes for a secret: what is deployed is for everybody to see.
          source: content.apply((text) => new pulumi.asset.StringAsset(text)),
          contentType: 'application/json',
        },
        // It is read as soon as it is there: what it names must be.
        { parent, dependsOn: [...grants] },
      )
    }

    function makeAlert() {
      logAlert(
        `flow-${flow}-failed`,
        {
          place,
          title: `Flow ${flow} failed`,
          text: `A run of the flow ${flow} ended Failed or Crashed. Its log and its tasks: \`millrace runs list --flow ${flow}\`. Owner: ${manifest.owner}, ${manifest.contact}.`,
          filter: eventFilter(
            LOG_EVENT.runEnded,
            `jsonPayload.flow="${flow}"`,
            'jsonPayload.state=("Failed" OR "Crashed")',
          ),
          extract: { run: 'EXTRACT(jsonPayload.run)', state: 'EXTRACT(jsonPayload.state)' },
          channels: args.channels,
          component: 'flow',
        },
        { parent, dependsOn: services.of('monitoring', 'logging') },
      )
    }
  }
}

/** What of a flow is deployed here: its own word, and above it the stack's. */
function deployed(manifest: FlowManifest, config: FlowConfig, schedules: boolean) {
  const { runOn } = manifest
  const schedule = config.schedule ?? manifest.schedule
  return {
    flow: manifest.name,
    owner: manifest.owner,
    contact: manifest.contact,
    description: manifest.description,
    queue: config.queue ?? manifest.queue,
    labels: config.labels ?? manifest.labels,
    runOn: {
      launcher: config.launcher ?? runOn.launcher,
      cpu: config.cpu ?? runOn.cpu,
      memory: config.memory ?? runOn.memory,
      gpu: config.gpu ?? runOn.gpu,
      machineType: config.machineType ?? runOn.machineType,
      spot: config.spot ?? runOn.spot,
    },
    cluster: config.cluster,
    workers: config.workers ?? manifest.workers,
    timeout: manifest.timeout,
    params: config.params,
    ...(schedules && schedule !== undefined && schedule !== 'off' && { schedule }),
  }
}
