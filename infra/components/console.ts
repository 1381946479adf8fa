import * as gcp from '@pulumi/gcp'
import * as pulumi from '@pulumi/pulumi'
import type { ConsoleConfig } from '../config.ts'
import { labelsOf } from '../place.ts'
import type { Foundation } from './foundation.ts'
import { type Identity, makeIdentity } from './identity.ts'
import { processEnvironment } from './process-environment.ts'
import { cpuQuantity, memoryQuantity } from './quantities.ts'

const NAME = 'console'
const PORT = 8080

export interface ConsoleArgs {
  readonly foundation: Foundation
  readonly config: ConsoleConfig
}

/**
 * The web page and HTTP API, on Cloud Run behind Identity-Aware Proxy: the one thing that the internet can reach, and it
 * lets in only who is on the list.
 */
export class Console extends pulumi.ComponentResource {
  readonly service: gcp.cloudrunv2.Service
  readonly identity: Identity

  constructor(name: string, args: ConsoleArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:Console', name, {}, opts)
    const { foundation, config } = args
    const { place, services, network, buckets, images } = foundation
    const parent = this
    this.identity = makeConsoleIdentity()
    this.service = makeService(this.identity)
    letProxyIn(this.service)
    letPeopleIn(this.service)
    this.registerOutputs({ url: this.service.uri })

    function makeConsoleIdentity(): Identity {
      const identity = makeIdentity(
        foundation,
        { kind: NAME, description: 'The web page and its API', secrets: [] },
        parent,
      )
      const reads = (['releases', 'results'] as const).map((what) =>
        buckets.grant(
          `console-reads-${what}`,
          { bucket: buckets[what], role: 'objectViewer', member: identity.member },
          parent,
        ),
      )
      return { ...identity, grants: [...identity.grants, ...reads] }
    }

    function makeService({ account, grants }: Identity) {
      return new gcp.cloudrunv2.Service(
        NAME,
        {
          project: place.project,
          location: place.region,
          name: NAME,
          deletionProtection: false,
          ingress: 'INGRESS_TRAFFIC_ALL',
          iapEnabled: true,
          labels: labelsOf(place, NAME),
          template: {
            serviceAccount: account.email,
            labels: labelsOf(place, NAME),
            timeout: '300s',
            maxInstanceRequestConcurrency: config.cpu < 1 ? 1 : 80,
            scaling: { minInstanceCount: config.minInstances, maxInstanceCount: config.maxInstances },
            containers: [
              {
                image: images.of(NAME),
                ports: { containerPort: PORT },
                envs: processEnvironment(foundation, {
                  secrets: [],
                  more: { MILLRACE_RELEASES: buckets.releases.url },
                }),
                resources: {
                  limits: { cpu: cpuQuantity(config.cpu), memory: memoryQuantity(config.memory) },
                  cpuIdle: true,
                  startupCpuBoost: true,
                },
              },
            ],
            vpcAccess: {
              networkInterfaces: [{ network: network.network.name, subnetwork: network.subnetwork.name }],
              egress: 'PRIVATE_RANGES_ONLY',
            },
          },
        },
        { parent, dependsOn: [...services.of('run', 'iap'), ...grants] },
      )
    }

    /** The proxy calls the service as an account of Google's, which `gcloud beta services identity create` makes. */
    function letProxyIn(service: gcp.cloudrunv2.Service) {
      new gcp.cloudrunv2.ServiceIamMember(
        'console-proxy',
        {
          project: place.project,
          location: service.location,
          name: service.name,
          role: 'roles/run.invoker',
          member: `serviceAccount:service-${place.projectNumber}@gcp-sa-iap.iam.gserviceaccount.com`,
        },
        { parent },
      )
    }

    function letPeopleIn(service: gcp.cloudrunv2.Service) {
      for (const member of config.access) {
        new gcp.iap.WebCloudRunServiceIamMember(
          `console-access-${member.replace(':', '-')}`,
          {
            project: place.project,
            location: service.location,
            cloudRunServiceName: service.name,
            role: 'roles/iap.httpsResourceAccessor',
            member,
          },
          { parent },
        )
      }
    }
  }
}
