/** What Google takes as the name of a kind of thing. */
export interface NameRule {
  readonly property: string
  readonly pattern: RegExp
  /** What the pattern says, after "use". */
  readonly says: string
  /** Left out, the provider makes it of the logical name, "-" and seven digits by chance. */
  readonly automatic?: true
}

/** RFC 1035, as the compute API has it. */
const DNS_LABEL = /^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$/
const compute: NameRule = {
  property: 'name',
  pattern: DNS_LABEL,
  says: 'lower-case letters, digits and "-", 63 at most, a letter first, no "-" last',
  automatic: true,
}
const run: NameRule = {
  property: 'name',
  pattern: /^[a-z](?:[-a-z0-9]{0,47}[a-z0-9])?$/,
  says: 'lower-case letters, digits and "-", 49 at most, a letter first, no "-" last',
  automatic: true,
}
const kms: NameRule = {
  property: 'name',
  pattern: /^[\w-]{1,63}$/,
  says: 'letters, digits, "_" and "-", 63 at most',
  automatic: true,
}
const cluster: NameRule = {
  property: 'name',
  pattern: /^[a-z](?:[-a-z0-9]{0,38}[a-z0-9])?$/,
  says: 'lower-case letters, digits and "-", 40 at most, a letter first, no "-" last',
  automatic: true,
}
const topic: NameRule = {
  property: 'name',
  pattern: /^(?!goog)[A-Za-z][\w.~+%-]{2,254}$/,
  says: '3 to 255 letters, digits and -._~%+, a letter first, and not "goog" at the beginning',
  automatic: true,
}
const secret: NameRule = {
  property: 'secretId',
  pattern: /^[\w-]{1,255}$/,
  says: 'letters, digits, "_" and "-", 255 at most',
  automatic: true,
}
const federation = (property: string): NameRule => ({
  property,
  pattern: /^(?!gcp-)[a-z0-9-]{4,32}$/,
  says: '4 to 32 lower-case letters, digits and "-", and not "gcp-" at the beginning',
})
const bigquery = (property: string): NameRule => ({
  property,
  pattern: /^\w{1,1024}$/,
  says: 'letters, digits and "_": no dash',
})

/** By type. The provider checks some of them in a preview and others not at all; here all are checked in the plan. */
export const GOOGLE_NAMES: Readonly<Record<string, NameRule>> = {
  'gcp:artifactregistry/repository:Repository': {
    property: 'repositoryId',
    pattern: DNS_LABEL,
    says: compute.says,
  },
  'gcp:bigquery/dataset:Dataset': bigquery('datasetId'),
  'gcp:bigquery/table:Table': bigquery('tableId'),
  'gcp:cloudrunv2/job:Job': run,
  'gcp:cloudrunv2/service:Service': run,
  'gcp:cloudrunv2/workerPool:WorkerPool': run,
  'gcp:cloudscheduler/job:Job': {
    property: 'name',
    pattern: /^[\w-]{1,500}$/,
    says: 'letters, digits, "_" and "-", 500 at most',
    automatic: true,
  },
  'gcp:cloudtasks/queue:Queue': {
    property: 'name',
    pattern: /^[A-Za-z0-9-]{1,100}$/,
    says: 'letters, digits and "-", 100 at most',
    automatic: true,
  },
  'gcp:compute/address:Address': compute,
  'gcp:compute/firewall:Firewall': compute,
  'gcp:compute/forwardingRule:ForwardingRule': compute,
  'gcp:compute/globalAddress:GlobalAddress': compute,
  'gcp:compute/instance:Instance': compute,
  'gcp:compute/network:Network': compute,
  'gcp:compute/router:Router': compute,
  'gcp:compute/routerNat:RouterNat': compute,
  'gcp:compute/subnetwork:Subnetwork': compute,
  'gcp:container/cluster:Cluster': cluster,
  'gcp:container/nodePool:NodePool': cluster,
  'gcp:iam/workloadIdentityPool:WorkloadIdentityPool': federation('workloadIdentityPoolId'),
  'gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider': federation('workloadIdentityPoolProviderId'),
  'gcp:kms/cryptoKey:CryptoKey': kms,
  'gcp:kms/keyRing:KeyRing': kms,
  'gcp:logging/metric:Metric': {
    property: 'name',
    pattern: /^[\w.,+!*'()%/-]{1,100}$/,
    says: "letters, digits and _-.,+!*'()%/, 100 at most",
    automatic: true,
  },
  'gcp:projects/iAMCustomRole:IAMCustomRole': {
    property: 'roleId',
    pattern: /^[\w.]{3,64}$/,
    says: '3 to 64 letters, digits, "_" and ".": no dash',
  },
  'gcp:projects/service:Service': {
    property: 'service',
    pattern: /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/,
    says: 'the whole name: run.googleapis.com',
  },
  'gcp:pubsub/subscription:Subscription': topic,
  'gcp:pubsub/topic:Topic': topic,
  'gcp:secretmanager/regionalSecret:RegionalSecret': secret,
  'gcp:secretmanager/secret:Secret': secret,
  'gcp:serviceaccount/account:Account': {
    property: 'accountId',
    pattern: /^[a-z](?:[-a-z0-9]{4,28}[a-z0-9])$/,
    says: '6 to 30 lower-case letters, digits and "-", a letter first, no "-" last',
  },
  'gcp:sql/databaseInstance:DatabaseInstance': {
    property: 'name',
    // With the longest project id and a ":" it is 98.
    pattern: /^[a-z](?:[-a-z0-9]{0,65}[a-z0-9])?$/,
    says: 'lower-case letters, digits and "-", 67 at most, a letter first, no "-" last',
    automatic: true,
  },
  'gcp:storage/bucket:Bucket': {
    property: 'name',
    pattern: /^(?!goog|.*g[o0]{2}gle|.*\.\.|\d{1,3}(?:\.\d{1,3}){3}$)[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/,
    says: '3 to 63 lower-case letters, digits, "-", "_" and ".", a letter or digit at both ends, no "google" in it',
    automatic: true,
  },
}
