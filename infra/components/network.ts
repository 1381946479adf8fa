import * as gcp from '@pulumi/gcp'
import * as pulumi from '@pulumi/pulumi'
import type { NetworkConfig } from '../config.ts'
import { labelsOf, type Place } from '../place.ts'
import type { ProjectServices } from './project-services.ts'

/** Names of the ranges that a cluster takes its addresses from. */
export const PODS = 'pods'
export const SERVICES = 'services'

export interface NetworkArgs {
  readonly place: Place
  readonly services: ProjectServices
  readonly config: NetworkConfig
  /** Whether there are ranges for the pods and services of a cluster. */
  readonly forCluster: boolean
}

/**
 * The private network: one subnetwork, a way out by NAT and none in, and the peering by which Cloud SQL gets an address
 * in it. There is no firewall rule: what is not allowed is denied, and nothing has to be let in.
 */
export class Network extends pulumi.ComponentResource {
  readonly network: gcp.compute.Network
  readonly subnetwork: gcp.compute.Subnetwork
  /** Google's services have addresses here once this exists: nothing else orders the two. */
  readonly peering: gcp.servicenetworking.Connection

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:Network', name, {}, opts)
    const { place, services, config, forCluster } = args
    const under = { parent: this, dependsOn: services.of('compute') }

    this.network = makeNetwork()
    this.subnetwork = makeSubnetwork(this.network)
    makeNat(this.network)
    this.peering = makePeering(this.network)
    this.registerOutputs({ network: this.network.name, subnetwork: this.subnetwork.name })

    function makeNetwork() {
      const { project } = place
      return new gcp.compute.Network(
        'network',
        { project, name: 'millrace', autoCreateSubnetworks: false, routingMode: 'REGIONAL' },
        under,
      )
    }

    function makeSubnetwork(network: gcp.compute.Network) {
      const { project, region } = place
      return new gcp.compute.Subnetwork(
        'subnetwork',
        {
          project,
          region,
          name: 'millrace',
          network: network.id,
          ipCidrRange: config.addresses,
          // Google's APIs are reached without an address on the internet.
          privateIpGoogleAccess: true,
          ...(forCluster && {
            secondaryIpRanges: [
              { rangeName: PODS, ipCidrRange: config.pods },
              { rangeName: SERVICES, ipCidrRange: config.services },
            ],
          }),
          ...(config.flowLogs > 0 && {
            logConfig: {
              aggregationInterval: 'INTERVAL_5_SEC',
              flowSampling: config.flowLogs,
              metadata: 'INCLUDE_ALL_METADATA',
            },
          }),
        },
        under,
      )
    }

    function makeNat(network: gcp.compute.Network) {
      const { project, region } = place
      const router = new gcp.compute.Router('router', { project, region, name: 'millrace', network: network.id }, under)
      return new gcp.compute.RouterNat(
        'nat',
        {
          project,
          region,
          name: 'millrace',
          router: router.name,
          natIpAllocateOption: 'AUTO_ONLY',
          sourceSubnetworkIpRangesToNat: 'ALL_SUBNETWORKS_ALL_IP_RANGES',
          logConfig: { enable: true, filter: 'ERRORS_ONLY' },
        },
        under,
      )
    }

    function makePeering(network: gcp.compute.Network) {
      const range = new gcp.compute.GlobalAddress(
        'google-services',
        {
          project: place.project,
          name: 'google-services',
          purpose: 'VPC_PEERING',
          addressType: 'INTERNAL',
          prefixLength: 16,
          network: network.id,
          labels: labelsOf(place, 'network'),
        },
        under,
      )
      return new gcp.servicenetworking.Connection(
        'peering',
        {
          network: network.id,
          service: 'servicenetworking.googleapis.com',
          reservedPeeringRanges: [range.name],
          // Google refuses to delete it for days after the last database; it goes with the network.
          deletionPolicy: 'ABANDON',
          // What an earlier stack left behind in this network is taken over.
          updateOnCreationFail: true,
        },
        { parent: under.parent, dependsOn: services.of('servicenetworking') },
      )
    }
  }
}
