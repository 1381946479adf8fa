import { Unknown } from '../../../../infra/plan/planned-resource.ts'
import type { Cases } from '../cases.ts'
import { component, memberOf, resource } from '../fragments.ts'

type Inputs = Parameters<typeof resource>[2]

const member = (who: string) => [
  resource('gcp:storage/bucketIAMMember:BucketIAMMember', 'read', { role: 'roles/storage.objectViewer', member: who }),
]
const bucket = (inputs: Inputs) => [
  resource('gcp:storage/bucket:Bucket', 'results', {
    publicAccessPrevention: 'enforced',
    uniformBucketLevelAccess: true,
    ...inputs,
  }),
]
const database = (ipConfiguration: { [key: string]: string | boolean | { value: string }[] }) => [
  resource('gcp:sql/databaseInstance:DatabaseInstance', 'postgres', {
    settings: { ipConfiguration: { ipv4Enabled: false, sslMode: 'ENCRYPTED_ONLY', ...ipConfiguration } },
  }),
]
const cluster = (inputs: Inputs) => [
  resource('gcp:container/cluster:Cluster', 'cluster', {
    privateClusterConfig: { enablePrivateNodes: true },
    controlPlaneEndpointsConfig: { ipEndpointsConfig: { enabled: false } },
    ...inputs,
  }),
]
const firewall = (inputs: Inputs) => [
  resource('gcp:compute/firewall:Firewall', 'rule', { allows: [{ protocol: 'tcp', ports: ['22'] }], ...inputs }),
]
const service = (spec: { [key: string]: string | string[] }, annotations: { [key: string]: string } = {}) => [
  resource('kubernetes:core/v1:Service', 'agent', { metadata: { annotations }, spec }),
]
const console_ = component('Console', 'console')
const run = (inputs: Inputs, parent = console_) => [
  parent,
  resource('gcp:cloudrunv2/service:Service', 'console', inputs, { parent }),
]

export const reach: Cases = {
  'no-public-members': {
    keeps: [
      ['a service account', member(memberOf('agent'))],
      ['a domain', member('domain:example.org')],
      ['people who read of it', [resource('gcp:storage/bucket:Bucket', 'b', { description: 'never allUsers' })]],
      [
        'a service account of the cluster',
        [resource('kubernetes:rbac.authorization.k8s.io/v1:RoleBinding', 'b', { subjects: [{ name: 'agent' }] })],
      ],
    ],
    breaks: [
      [
        'all users',
        member('allUsers'),
        'storage.BucketIAMMember read: member lets everybody in: "allUsers"; name the service account, group or user that needs it',
      ],
      [
        'anybody with a Google account, in a list',
        [
          resource('gcp:cloudrunv2/serviceIamBinding:ServiceIamBinding', 'call', {
            members: ['allAuthenticatedUsers'],
          }),
        ],
        'cloudrunv2.ServiceIamBinding call: members[0] lets everybody in: "allAuthenticatedUsers"; name the service account, group or user that needs it',
      ],
      [
        'a dataset for everybody',
        [
          resource('gcp:bigquery/dataset:Dataset', 'd', {
            accesses: [{ role: 'READER', specialGroup: 'allAuthenticatedUsers' }],
          }),
        ],
        'bigquery.Dataset d: accesses[0].specialGroup lets everybody in: "allAuthenticatedUsers"; name the service account, group or user that needs it',
      ],
      [
        'an access list',
        [
          resource('gcp:storage/bucketACL:BucketACL', 'acl', {
            bucket: 'b',
            roleEntities: ['READER:user-a@example.org'],
          }),
        ],
        'storage.BucketACL acl: type is an access list, which uniform bucket-level access does not know; grant a role with storage.BucketIAMMember',
      ],
      [
        'an access list that Google makes up',
        [resource('gcp:storage/bucketObject:BucketObject', 'page', { predefinedAcl: 'publicRead' })],
        'storage.BucketObject page: predefinedAcl lets everybody in: "publicRead"; name the service account, group or user that needs it',
      ],
      [
        'whoever asks the cluster',
        [
          resource('kubernetes:rbac.authorization.k8s.io/v1:RoleBinding', 'b', {
            subjects: [{ kind: 'Group', name: 'system:unauthenticated' }],
          }),
        ],
        'kubernetes RoleBinding b: subjects[0].name lets everybody in: "system:unauthenticated"; name the service account, group or user that needs it',
      ],
    ],
  },

  'private-buckets': {
    keeps: [
      ['a bucket that refuses', bucket({})],
      ['one whose settings are known only later', bucket({ publicAccessPrevention: new Unknown() })],
    ],
    breaks: [
      [
        'a bucket that may be made public',
        bucket({ publicAccessPrevention: 'inherited' }),
        'storage.Bucket results: publicAccessPrevention is "inherited"; set it to "enforced"',
      ],
      [
        'lists of single objects',
        bucket({ uniformBucketLevelAccess: false }),
        'storage.Bucket results: uniformBucketLevelAccess is false; set it to true',
      ],
      [
        'a bucket that is a page',
        bucket({ website: { mainPageSuffix: 'index.html' } }),
        'storage.Bucket results: website makes a page of the bucket; remove it; pages come from the console',
      ],
      [
        'a bucket that says nothing',
        [resource('gcp:storage/bucket:Bucket', 'results', { uniformBucketLevelAccess: true })],
        'storage.Bucket results: publicAccessPrevention is missing; set it to "enforced"',
      ],
    ],
  },

  'private-database': {
    keeps: [['a private address', database({ privateNetwork: 'n' })]],
    breaks: [
      [
        'a public address',
        database({ ipv4Enabled: true }),
        'sql.DatabaseInstance postgres: settings.ipConfiguration.ipv4Enabled is true; set it to false and give privateNetwork',
      ],
      [
        'a database that says nothing of addresses',
        [
          resource('gcp:sql/databaseInstance:DatabaseInstance', 'postgres', {
            settings: { ipConfiguration: { sslMode: 'ENCRYPTED_ONLY' } },
          }),
        ],
        'sql.DatabaseInstance postgres: settings.ipConfiguration.ipv4Enabled is missing, which is true at Google; set it to false and give privateNetwork',
      ],
      [
        'networks on the internet',
        database({ authorizedNetworks: [{ value: '0.0.0.0/0' }] }),
        'sql.DatabaseInstance postgres: settings.ipConfiguration.authorizedNetworks[0] lets a network on the internet in; remove it; connect inside the network',
      ],
      [
        'connections in the clear',
        database({ sslMode: 'ALLOW_UNENCRYPTED_AND_ENCRYPTED' }),
        'sql.DatabaseInstance postgres: settings.ipConfiguration.sslMode is "ALLOW_UNENCRYPTED_AND_ENCRYPTED"; set it to "ENCRYPTED_ONLY"',
      ],
    ],
  },

  'private-cluster': {
    keeps: [
      ['private nodes, and a control plane without an address', cluster({})],
      [
        'a control plane that answers one network',
        cluster({
          controlPlaneEndpointsConfig: {},
          masterAuthorizedNetworksConfig: { cidrBlocks: [{ cidrBlock: '203.0.113.0/29' }] },
        }),
      ],
      [
        'a control plane with a private address',
        cluster({
          controlPlaneEndpointsConfig: {},
          privateClusterConfig: { enablePrivateNodes: true, enablePrivateEndpoint: true },
        }),
      ],
      ['a pool that follows its cluster', [resource('gcp:container/nodePool:NodePool', 'pool', {})]],
    ],
    breaks: [
      [
        'nodes with addresses on the internet',
        cluster({ privateClusterConfig: { enablePrivateNodes: false } }),
        'container.Cluster cluster: privateClusterConfig.enablePrivateNodes is false; set it to true',
      ],
      [
        'a cluster that says nothing of its nodes',
        cluster({ privateClusterConfig: {} }),
        'container.Cluster cluster: privateClusterConfig.enablePrivateNodes is missing; set it to true',
      ],
      [
        'a control plane for the whole internet',
        cluster({ controlPlaneEndpointsConfig: {} }),
        'container.Cluster cluster: masterAuthorizedNetworksConfig is missing, so that the whole internet reaches the control plane; name the networks, or set privateClusterConfig.enablePrivateEndpoint to true',
      ],
      [
        'the same, written out',
        cluster({
          controlPlaneEndpointsConfig: {},
          masterAuthorizedNetworksConfig: { cidrBlocks: [{ cidrBlock: '0.0.0.0/0' }] },
        }),
        'container.Cluster cluster: masterAuthorizedNetworksConfig.cidrBlocks[0].cidrBlock is the whole internet; name the network that needs it',
      ],
      [
        "every customer's machines",
        cluster({
          controlPlaneEndpointsConfig: {},
          masterAuthorizedNetworksConfig: { gcpPublicCidrsAccessEnabled: true },
        }),
        "container.Cluster cluster: masterAuthorizedNetworksConfig.gcpPublicCidrsAccessEnabled is true, which is every customer's machine at Google; set it to false",
      ],
      [
        'a pool with addresses on the internet',
        [resource('gcp:container/nodePool:NodePool', 'pool', { networkConfig: { enablePrivateNodes: false } })],
        'container.NodePool pool: networkConfig.enablePrivateNodes is false; set it to true, or leave it out',
      ],
    ],
  },

  'private-machines': {
    keeps: [
      [
        'a machine in the network',
        [resource('gcp:compute/instance:Instance', 'vm', { networkInterfaces: [{ subnetwork: 's' }] })],
      ],
      [
        'a load balancer inside',
        [resource('gcp:compute/forwardingRule:ForwardingRule', 'lb', { loadBalancingScheme: 'INTERNAL_MANAGED' })],
      ],
      [
        'a range for peering',
        [resource('gcp:compute/globalAddress:GlobalAddress', 'range', { addressType: 'INTERNAL' })],
      ],
    ],
    breaks: [
      [
        'a machine with an address, even an empty one',
        [
          resource('gcp:compute/instance:Instance', 'vm', {
            networkInterfaces: [{ subnetwork: 's', accessConfigs: [{}] }],
          }),
        ],
        'compute.Instance vm: networkInterfaces[0].accessConfigs gives it an external address; remove it; NAT is the way out',
      ],
      [
        'a load balancer that says nothing',
        [resource('gcp:compute/globalForwardingRule:GlobalForwardingRule', 'lb', {})],
        'compute.GlobalForwardingRule lb: loadBalancingScheme is missing; set it to "INTERNAL" or "INTERNAL_MANAGED"',
      ],
      [
        'an address for the whole world',
        [resource('gcp:compute/globalAddress:GlobalAddress', 'ip', {})],
        'compute.GlobalAddress ip: addressType is missing; set it to "INTERNAL"',
      ],
      [
        'a subnetwork with addresses on the internet',
        [resource('gcp:compute/subnetwork:Subnetwork', 's', { ipv6AccessType: 'EXTERNAL' })],
        'compute.Subnetwork s: ipv6AccessType is "EXTERNAL"; set it to "INTERNAL", or leave it out',
      ],
    ],
  },

  'closed-firewall': {
    keeps: [
      ['a private range', firewall({ sourceRanges: ['10.0.0.0/8', '172.16.0.0/28', '192.168.1.0/24'] })],
      ["Google's health checks", firewall({ sourceRanges: ['35.191.0.0/16', '130.211.0.0/22'] })],
      ['machines by their account', firewall({ sourceServiceAccounts: ['agent@p.iam.gserviceaccount.com'] })],
      [
        'machines by their tag, in a policy',
        [
          resource('gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule', 'rule', {
            action: 'allow',
            direction: 'INGRESS',
            match: { srcSecureTags: [{ name: 'tagValues/1' }] },
          }),
        ],
      ],
      ['the way out', firewall({ direction: 'EGRESS', destinationRanges: ['0.0.0.0/0'] })],
      [
        'what is denied',
        [
          resource('gcp:compute/firewall:Firewall', 'no', {
            denies: [{ protocol: 'all' }],
            sourceRanges: ['0.0.0.0/0'],
          }),
        ],
      ],
      ['a rule that is off', firewall({ sourceRanges: ['0.0.0.0/0'], disabled: true })],
    ],
    breaks: [
      [
        'the whole internet',
        firewall({ sourceRanges: ['10.0.0.0/8', '0.0.0.0/0'] }),
        'compute.Firewall rule: sourceRanges[1] is "0.0.0.0/0", on the internet; name a private range',
      ],
      [
        'all of IPv6',
        firewall({ sourceRanges: ['::/0'] }),
        'compute.Firewall rule: sourceRanges[0] is "::/0", on the internet; name a private range',
      ],
      [
        'one address on the internet',
        firewall({ sourceRanges: ['203.0.113.7/32'] }),
        'compute.Firewall rule: sourceRanges[0] is "203.0.113.7/32", on the internet; name a private range',
      ],
      [
        'a rule with no source',
        firewall({}),
        'compute.Firewall rule: sourceRanges is missing, which is the whole internet; name private ranges',
      ],
      [
        'a range that only begins as a private one',
        firewall({ sourceRanges: ['10.0.0.0/1'] }),
        'compute.Firewall rule: sourceRanges[0] is "10.0.0.0/1", on the internet; name a private range',
      ],
      [
        'a rule of a policy',
        [
          resource('gcp:compute/networkFirewallPolicyRule:NetworkFirewallPolicyRule', 'rule', {
            action: 'allow',
            direction: 'INGRESS',
            match: { srcIpRanges: ['0.0.0.0/0'] },
          }),
        ],
        'compute.NetworkFirewallPolicyRule rule: match.srcIpRanges[0] is "0.0.0.0/0", on the internet; name a private range',
      ],
    ],
  },

  'private-kubernetes': {
    keeps: [
      ['a service inside', service({ type: 'ClusterIP' })],
      [
        'a load balancer inside',
        service({ type: 'LoadBalancer' }, { 'networking.gke.io/load-balancer-type': 'Internal' }),
      ],
      [
        'an ingress inside',
        [
          resource('kubernetes:networking.k8s.io/v1:Ingress', 'i', {
            metadata: { annotations: { 'kubernetes.io/ingress.class': 'gce-internal' } },
          }),
        ],
      ],
    ],
    breaks: [
      [
        'a load balancer outside',
        service({ type: 'LoadBalancer' }),
        'kubernetes Service agent: spec.type is "LoadBalancer", an address on the internet; use "ClusterIP"',
      ],
      [
        'a port on every node',
        service({ type: 'NodePort' }),
        'kubernetes Service agent: spec.type is "NodePort", a port on every node; use "ClusterIP"',
      ],
      [
        'addresses from outside',
        service({ externalIPs: ['203.0.113.7'] }),
        'kubernetes Service agent: spec.externalIPs gives it external addresses; remove it',
      ],
      [
        'an ingress',
        [resource('kubernetes:networking.k8s.io/v1:Ingress', 'i', { spec: {} })],
        'kubernetes Ingress i: spec makes an external load balancer; remove it, or use class gce-internal',
      ],
      [
        'a gateway',
        [
          resource('kubernetes:gateway.networking.k8s.io/v1:Gateway', 'g', {
            spec: { gatewayClassName: 'gke-l7-global-external-managed' },
          }),
        ],
        'kubernetes Gateway g: spec.gatewayClassName makes an external load balancer; remove it, or use gke-l7-rilb',
      ],
    ],
  },

  'console-behind-iap': {
    keeps: [
      ['the console behind IAP', run({ ingress: 'INGRESS_TRAFFIC_ALL', iapEnabled: true })],
      ['a service inside', run({ ingress: 'INGRESS_TRAFFIC_INTERNAL_ONLY' }, component('Hooks', 'hooks'))],
    ],
    breaks: [
      [
        'the console without IAP',
        run({ ingress: 'INGRESS_TRAFFIC_ALL' }),
        'cloudrunv2.Service console: iapEnabled is missing; set it to true',
      ],
      [
        'the console without IAP, and without a word about ingress',
        run({ iapEnabled: false }),
        'cloudrunv2.Service console: iapEnabled is false; set it to true',
      ],
      [
        'another service that the internet reaches',
        run({ ingress: 'INGRESS_TRAFFIC_ALL', iapEnabled: true }, component('Hooks', 'hooks')),
        'cloudrunv2.Service console: ingress is "INGRESS_TRAFFIC_ALL"; set it to "INGRESS_TRAFFIC_INTERNAL_ONLY"; only the console may be reached from outside',
      ],
      [
        'another service that says nothing',
        run({}, component('Hooks', 'hooks')),
        'cloudrunv2.Service console: ingress is missing, which is all of the internet at Google; set it to "INGRESS_TRAFFIC_INTERNAL_ONLY"; only the console may be reached from outside',
      ],
      [
        'a service that asks nobody who they are',
        run({ ingress: 'INGRESS_TRAFFIC_INTERNAL_ONLY', invokerIamDisabled: true }),
        'cloudrunv2.Service console: invokerIamDisabled is true, so anybody may call it; remove it',
      ],
      [
        'a function',
        [resource('gcp:cloudfunctionsv2/function:Function', 'f', {})],
        'cloudfunctionsv2.Function f: type has no rule here; use cloudrunv2.Service, whose ingress is watched',
      ],
    ],
  },
}
