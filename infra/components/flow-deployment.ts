import { type Deployment, deploymentOf, type FlowManifest } from '@millrace/release'
import * as pulumi from '@pulumi/pulumi'
import type { FlowConfig } from '../config.ts'
import { type Agent, letActAs } from './agent.ts'
import { logAlert } from './alert.ts'
import { type BundleFiles, putBundle } from './bundle-objects.ts'
import type { Cluster } from './cluster.ts'
import type { Foundation } from './foundation.ts'
import { type Identity, makeIdentity } from './identity.ts'
import { makeKubernetesAccount } from './kubernetes-account.ts'
import { eventFilter, LOG_EVENT } from './log-events.ts'

export interface FlowDeploymentArgs {
  readonly foundation: Foundation
  readonly manifest: FlowManifest
  readonly bundle: BundleFiles
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
 * A flow in this stack: its bundle; a service account of its own, which reads its own secrets and bundles and writes below
 * its own prefix; and what is deployed of it (parameters, schedule, resources, image, versions of secrets), for the
 * release. Somebody is told when a run of it fails.
 */
export class FlowDeployment extends pulumi.ComponentResource {
  readonly identity: Identity
  /** What is deployed: for the record of the release. */
  readonly deployment: pulumi.Output<Deployment>
  /** What must be there before a run of it. */
  readonly ready: readonly pulumi.Resource[]

  constructor(name: string, args: FlowDeploymentArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:FlowDeployment', name, {}, opts)
    const { foundation, manifest, config, agents, cluster } = args
    const { place, buckets, services } = foundation
    const flow = manifest.name
    const prefix = `flows/${flow}/`
    const parent = this
    this.identity = makeFlowIdentity()
    const inCluster = letAgentsLaunch(this.identity)
    const bundle = putBundle(args.bundle, buckets.bundles, this)
    this.deployment = makeDeployment(this.identity)
    this.ready = [...this.identity.grants, ...inCluster, ...bundle]
    makeAlert()
    this.registerOutputs({
      account: this.identity.account.email,
      bundle: args.bundle.digest,
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

    /** @returns what must be there before its first pod */
    function letAgentsLaunch({ account }: Identity): pulumi.Resource[] {
      for (const [agent, each] of Object.entries(agents)) {
        letActAs(`flow-${flow}-launched-by-${agent}`, each.identity, account, parent)
      }
      if (!cluster) return []
      // Pods of its jobs are this account (platform/agents/launchers/kubernetes/pod-template.ts).
      const own = makeKubernetesAccount({ place, cluster, name: `flow-${flow}`, account }, parent)
      return [own.account, own.grant]
    }

    function makeDeployment({ account }: Identity) {
      const { images, secrets } = foundation
      return pulumi
        .all([images.of({ flow }), account.email, secrets.versions(manifest.secrets), buckets.results.url])
        .apply(([image, account, secretVersions, results]) =>
          deploymentOf(manifest, config, {
            bundle: args.bundle.digest,
            image,
            account,
            secretVersions,
            store: `${results}/${prefix}`,
            schedules: args.schedules,
          }),
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
