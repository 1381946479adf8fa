import { type Planned, Unknown } from '../../../../infra/plan/planned-resource.ts'
import type { Cases } from '../cases.ts'
import { IMAGE, resource } from '../fragments.ts'

type Inputs = Parameters<typeof resource>[2]
type Values = { readonly [key: string]: Planned }

const one = (type: string, name: string, inputs: Inputs) => [resource(type, name, inputs)]
const bucket = (name: string) => one('gcp:storage/bucket:Bucket', 'b', { name })
const BUCKET = '3 to 63 lower-case letters, digits, "-", "_" and ".", a letter or digit at both ends, no "google" in it'

const database = (settings: Values, inputs: Inputs = {}) =>
  resource('gcp:sql/databaseInstance:DatabaseInstance', 'postgres', {
    databaseVersion: 'POSTGRES_17',
    ...inputs,
    settings: {
      edition: 'ENTERPRISE',
      tier: 'db-custom-2-7680',
      ipConfiguration: { ipv4Enabled: false, privateNetwork: 'n' },
      ...settings,
    },
  })
const user = (inputs: Inputs) =>
  resource('gcp:sql/user:User', 'agent', { name: 'agent@p.iam', type: 'CLOUD_IAM_SERVICE_ACCOUNT', ...inputs })
const byIam = database({ databaseFlags: [{ name: 'cloudsql.iam_authentication', value: 'on' }] })

const service = (template: Values, inputs: Inputs = {}) =>
  one('gcp:cloudrunv2/service:Service', 'console', { ...inputs, template })
const envs = (...list: Values[]) => service({ containers: [{ image: IMAGE, envs: list }] })
const cpu = (amount: string, template: Values = {}, resources: Values = {}) =>
  service({ containers: [{ image: IMAGE, resources: { limits: { cpu: amount }, ...resources } }], ...template })

const job = (inputs: Inputs) =>
  one('gcp:cloudscheduler/job:Job', 'nightly', {
    schedule: '45 8 * * 2',
    timeZone: 'Europe/Berlin',
    httpTarget: { uri: 'https://example.org', httpMethod: 'POST' },
    ...inputs,
  })
const metric = (inputs: Inputs) => one('gcp:logging/metric:Metric', 'failures', { filter: 'x', ...inputs })
const alert = (inputs: Inputs) => one('gcp:monitoring/alertPolicy:AlertPolicy', 'slow', inputs)
const threshold = (conditionThreshold: Values) =>
  alert({
    conditions: [
      {
        conditionThreshold: {
          filter: 'metric.type="a/b" AND resource.type = "cloudsql_database"',
          comparison: 'COMPARISON_GT',
          duration: '300s',
          ...conditionThreshold,
        },
      },
    ],
  })
const cluster = (inputs: Inputs) => one('gcp:container/cluster:Cluster', 'cluster', inputs)
const pool = (inputs: Inputs) => one('gcp:container/nodePool:NodePool', 'spot', inputs)

export const google: Cases = {
  'google-names': {
    keeps: [
      ['a bucket', bucket('example-millrace-dev-results')],
      ['one that is known only later', one('gcp:storage/bucket:Bucket', 'b', { name: new Unknown('id.hex') })],
      ['one that Pulumi makes', one('gcp:sql/databaseInstance:DatabaseInstance', 'postgres', {})],
      ['a metric', one('gcp:logging/metric:Metric', 'm', { name: 'millrace/runs-failed' })],
      ['a custom role', one('gcp:projects/iAMCustomRole:IAMCustomRole', 'r', { roleId: 'millraceLauncher' })],
      ['an API', one('gcp:projects/service:Service', 'run', { service: 'run.googleapis.com' })],
      ['what has no rule', one('gcp:billing/budget:Budget', 'b', { displayName: 'Anything, at all' })],
    ],
    breaks: [
      [
        'a bucket with capitals',
        bucket('Results'),
        `storage.Bucket b: name is "Results", which Google refuses; use ${BUCKET}`,
      ],
      [
        'a bucket of Google',
        bucket('goog-results'),
        `storage.Bucket b: name is "goog-results", which Google refuses; use ${BUCKET}`,
      ],
      [
        'a bucket that sounds like it',
        bucket('my-g00gle-data'),
        `storage.Bucket b: name is "my-g00gle-data", which Google refuses; use ${BUCKET}`,
      ],
      [
        'a bucket that is an address',
        bucket('10.0.0.1'),
        `storage.Bucket b: name is "10.0.0.1", which Google refuses; use ${BUCKET}`,
      ],
      [
        'a secret with a dot',
        one('gcp:secretmanager/secret:Secret', 's', { secretId: 'smtp.password' }),
        'secretmanager.Secret s: secretId is "smtp.password", which Google refuses; use letters, digits, "_" and "-", 255 at most',
      ],
      [
        'a registry with "_"',
        one('gcp:artifactregistry/repository:Repository', 'r', { repositoryId: 'my_images' }),
        'artifactregistry.Repository r: repositoryId is "my_images", which Google refuses; use lower-case letters, digits and "-", 63 at most, a letter first, no "-" last',
      ],
      [
        'a service account with too long an id',
        one('gcp:serviceaccount/account:Account', 'a', { accountId: `flow-${'x'.repeat(26)}` }),
        `serviceaccount.Account a: accountId is "flow-${'x'.repeat(26)}", which Google refuses; use 6 to 30 lower-case letters, digits and "-", a letter first, no "-" last`,
      ],
      [
        'a service account with too short an id',
        one('gcp:serviceaccount/account:Account', 'a', { accountId: 'agent' }),
        'serviceaccount.Account a: accountId is "agent", which Google refuses; use 6 to 30 lower-case letters, digits and "-", a letter first, no "-" last',
      ],
      [
        "a pool with Google's own prefix",
        one('gcp:iam/workloadIdentityPool:WorkloadIdentityPool', 'p', { workloadIdentityPoolId: 'gcp-github' }),
        'iam.WorkloadIdentityPool p: workloadIdentityPoolId is "gcp-github", which Google refuses; use 4 to 32 lower-case letters, digits and "-", and not "gcp-" at the beginning',
      ],
      [
        'a custom role with a dash',
        one('gcp:projects/iAMCustomRole:IAMCustomRole', 'r', { roleId: 'millrace-launcher' }),
        'projects.IAMCustomRole r: roleId is "millrace-launcher", which Google refuses; use 3 to 64 letters, digits, "_" and ".": no dash',
      ],
      [
        'a topic of Google',
        one('gcp:pubsub/topic:Topic', 't', { name: 'google-events' }),
        'pubsub.Topic t: name is "google-events", which Google refuses; use 3 to 255 letters, digits and -._~%+, a letter first, and not "goog" at the beginning',
      ],
      [
        'a service with fifty characters',
        one('gcp:cloudrunv2/workerPool:WorkerPool', 'w', { name: 'w'.repeat(50) }),
        `cloudrunv2.WorkerPool w: name is "${'w'.repeat(50)}", which Google refuses; use lower-case letters, digits and "-", 49 at most, a letter first, no "-" last`,
      ],
      [
        'a logical name that Pulumi makes too long a one of',
        one('gcp:cloudrunv2/service:Service', 's'.repeat(42), {}),
        `cloudrunv2.Service ${'s'.repeat(42)}: name is missing, and Google refuses what Pulumi would make of the logical name, like "${'s'.repeat(42)}-0123456"; give it, or change the logical name: use lower-case letters, digits and "-", 49 at most, a letter first, no "-" last`,
      ],
      [
        'a network with "_"',
        one('gcp:compute/network:Network', 'my_network', {}),
        'compute.Network my_network: name is missing, and Google refuses what Pulumi would make of the logical name, like "my_network-0123456"; give it, or change the logical name: use lower-case letters, digits and "-", 63 at most, a letter first, no "-" last',
      ],
      [
        'a dataset with a dash',
        one('gcp:bigquery/dataset:Dataset', 'd', { datasetId: 'water-areas' }),
        'bigquery.Dataset d: datasetId is "water-areas", which Google refuses; use letters, digits and "_": no dash',
      ],
      [
        'half the name of an API',
        one('gcp:projects/service:Service', 'run', { service: 'run' }),
        'projects.Service run: service is "run", which Google refuses; use the whole name: run.googleapis.com',
      ],
    ],
  },

  'google-durations': {
    keeps: [
      ['seconds', service({ timeout: '300s' })],
      ['a part of a second', service({ timeout: '3.5s' })],
      ['never', one('gcp:pubsub/subscription:Subscription', 's', { expirationPolicy: { ttl: '' } })],
      ['what is not there', service({})],
    ],
    breaks: [
      [
        'minutes',
        service({ timeout: '5m' }),
        'cloudrunv2.Service console: template.timeout is "5m", which Google refuses; write it in seconds: "300s"',
      ],
      [
        'days of a topic',
        one('gcp:pubsub/topic:Topic', 't', { messageRetentionDuration: '7d' }),
        'pubsub.Topic t: messageRetentionDuration is "7d", which Google refuses; write it in seconds: "300s"',
      ],
      [
        'a subscription that ends within a day',
        one('gcp:pubsub/subscription:Subscription', 's', { expirationPolicy: { ttl: '3600s' } }),
        'pubsub.Subscription s: expirationPolicy.ttl is "3600s", which Google refuses; make it 86400s or more',
      ],
      [
        'a key that turns within a day',
        one('gcp:kms/cryptoKey:CryptoKey', 'k', { rotationPeriod: '3600s' }),
        'kms.CryptoKey k: rotationPeriod is "3600s", which Google refuses; make it 86401s or more',
      ],
      [
        'an alert after half a minute',
        threshold({ duration: '30s' }),
        'monitoring.AlertPolicy slow: conditions[0].conditionThreshold.duration is "30s", which Google refuses; make it a multiple of 60s',
      ],
      [
        'an alert that looks at half a minute',
        threshold({ aggregations: [{ alignmentPeriod: '30s' }] }),
        'monitoring.AlertPolicy slow: conditions[0].conditionThreshold.aggregations[0].alignmentPeriod is "30s", which Google refuses; make it 60s or more',
      ],
    ],
  },

  'database-settings': {
    keeps: [
      ['a custom machine of Enterprise', [database({})]],
      [
        'an endpoint in the network',
        [database({ ipConfiguration: { ipv4Enabled: false, pscConfigs: [{ pscEnabled: true }] } })],
      ],
      ['a small shared one', [database({ tier: 'db-f1-micro' })]],
      ['Enterprise Plus', [database({ edition: 'ENTERPRISE_PLUS', tier: 'db-perf-optimized-N-2' })]],
      [
        'an old version that needs no edition',
        [
          resource('gcp:sql/databaseInstance:DatabaseInstance', 'p', {
            databaseVersion: 'POSTGRES_15',
            settings: { tier: 'db-custom-1-3840' },
          }),
        ],
      ],
      [
        'a standby with backups',
        [
          database({
            availabilityType: 'REGIONAL',
            backupConfiguration: { enabled: true, pointInTimeRecoveryEnabled: true },
          }),
        ],
      ],
    ],
    breaks: [
      [
        'a new version without its edition',
        [
          resource('gcp:sql/databaseInstance:DatabaseInstance', 'p', {
            databaseVersion: 'POSTGRES_17',
            settings: { tier: 'db-f1-micro' },
          }),
        ],
        'sql.DatabaseInstance p: settings.edition is missing, which is Enterprise Plus for POSTGRES_17; set it to "ENTERPRISE", or to "ENTERPRISE_PLUS" with a tier of it',
      ],
      [
        'a tier of the other edition',
        [database({ edition: 'ENTERPRISE_PLUS' })],
        'sql.DatabaseInstance postgres: settings.tier is "db-custom-2-7680", which the edition ENTERPRISE_PLUS does not have; use db-perf-optimized-N-CPUS',
      ],
      [
        'a tier of the compute engine',
        [database({ tier: 'e2-standard-2' })],
        'sql.DatabaseInstance postgres: settings.tier is "e2-standard-2", which the edition ENTERPRISE does not have; use db-f1-micro, db-g1-small or db-custom-CPUS-MEGABYTES',
      ],
      [
        'three CPUs',
        [database({ tier: 'db-custom-3-7680' })],
        'sql.DatabaseInstance postgres: settings.tier is "db-custom-3-7680", which Google refuses; use one CPU or an even number, and 3840 MB or more, in steps of 256',
      ],
      [
        'a flag that is true',
        [database({ databaseFlags: [{ name: 'cloudsql.iam_authentication', value: 'true' }] })],
        'sql.DatabaseInstance postgres: settings.databaseFlags[0].value is "true" (cloudsql.iam_authentication); write "on"',
      ],
      [
        'a flag that is false',
        [database({ databaseFlags: [{ name: 'log_lock_waits', value: 'false' }] })],
        'sql.DatabaseInstance postgres: settings.databaseFlags[0].value is "false" (log_lock_waits); write "off"',
      ],
      [
        'no address at all',
        [database({ ipConfiguration: { ipv4Enabled: false } })],
        'sql.DatabaseInstance postgres: settings.ipConfiguration.privateNetwork is missing, and there is no public address either; give the network',
      ],
      [
        'a standby that has nothing to come from',
        [database({ availabilityType: 'REGIONAL', backupConfiguration: { enabled: true } })],
        'sql.DatabaseInstance postgres: settings.backupConfiguration.pointInTimeRecoveryEnabled is not true, which a standby needs; set it to true',
      ],
      [
        'more days of logs than Enterprise keeps',
        [database({ backupConfiguration: { transactionLogRetentionDays: 14 } })],
        'sql.DatabaseInstance postgres: settings.backupConfiguration.transactionLogRetentionDays is 14; use 1 to 7 days',
      ],
    ],
  },

  'database-users': {
    keeps: [
      ['a service account, as Postgres calls it', [byIam, user({})]],
      ['a name that is known only later', [byIam, user({ name: new Unknown('agent.email') })]],
      ['a user with a password', [database({}), user({ name: 'app', type: 'BUILT_IN', password: 'x' })]],
    ],
    breaks: [
      [
        'the whole e-mail',
        [byIam, user({ name: 'agent@p.iam.gserviceaccount.com' })],
        'sql.User agent: name is "agent@p.iam.gserviceaccount.com", which no service account is called in Postgres; give its e-mail without ".gserviceaccount.com"',
      ],
      [
        'a password beside IAM',
        [byIam, user({ password: 'x' })],
        'sql.User agent: password is given to a user that logs in by IAM; remove it',
      ],
      [
        'a database that does not know IAM',
        [database({}), user({})],
        "sql.DatabaseInstance postgres: settings.databaseFlags leaves cloudsql.iam_authentication off, and there are users that log in by it; add { name: 'cloudsql.iam_authentication', value: 'on' }",
      ],
    ],
  },

  'cloud-run-environment': {
    keeps: [
      ['variables with one source', envs({ name: 'A', value: '1' }, { name: 'B', valueSource: {} })],
      [
        'a port in Kubernetes, where it is a name like any other',
        one('kubernetes:apps/v1:Deployment', 'd', { spec: { containers: [{ env: [{ name: 'PORT', value: '1' }] }] } }),
      ],
    ],
    breaks: [
      [
        'the port',
        envs({ name: 'PORT', value: '8080' }),
        'cloudrunv2.Service console: template.containers[0].envs[0].name is "PORT", which Cloud Run sets itself; remove it',
      ],
      [
        'the revision',
        envs({ name: 'K_REVISION', value: 'x' }),
        'cloudrunv2.Service console: template.containers[0].envs[0].name is "K_REVISION", which Cloud Run sets itself; remove it',
      ],
      [
        'two sources',
        envs({ name: 'A', value: '1', valueSource: {} }),
        'cloudrunv2.Service console: template.containers[0].envs[0] has both value and valueSource; leave one of them out',
      ],
      [
        'a variable twice',
        envs({ name: 'A', value: '1' }, { name: 'A', value: '2' }),
        'cloudrunv2.Service console: template.containers[0].envs[1].name is "A" a second time; remove one of the two',
      ],
      [
        'a name with a dash',
        envs({ name: 'my-name', value: '1' }),
        'cloudrunv2.Service console: template.containers[0].envs[0].name is "my-name"; use letters, digits and "_", no digit first',
      ],
    ],
  },

  'cloud-run-resources': {
    keeps: [
      ['half a CPU for one request', cpu('500m', { maxInstanceRequestConcurrency: 1 }, { cpuIdle: true })],
      ['a CPU for many', cpu('1000m', { maxInstanceRequestConcurrency: 80 }, { cpuIdle: false })],
      ['half a CPU that says nothing', cpu('0.5')],
    ],
    breaks: [
      [
        'half a CPU for many',
        cpu('500m', { maxInstanceRequestConcurrency: 80 }),
        'cloudrunv2.Service console: template.maxInstanceRequestConcurrency is more than 1 with less than one CPU; set it to 1, or template.containers[0].resources.limits.cpu to "1"',
      ],
      [
        'half a CPU all the time',
        cpu('0.5', {}, { cpuIdle: false }),
        'cloudrunv2.Service console: template.containers[0].resources.cpuIdle is false with less than one CPU; set it to true, or the limit of cpu to "1"',
      ],
      [
        'half a CPU of the second generation',
        cpu('0.5', { executionEnvironment: 'EXECUTION_ENVIRONMENT_GEN2' }),
        'cloudrunv2.Service console: template.executionEnvironment is the second generation with less than one CPU; leave it out, or set the limit of cpu to "1"',
      ],
    ],
  },

  'cloud-run-traffic': {
    keeps: [
      ['a hundred percent', service({}, { traffics: [{ percent: 90 }, { percent: 10 }, { tag: 'next' }] })],
      ['nothing said', service({})],
    ],
    breaks: [
      [
        'ninety',
        service({}, { traffics: [{ percent: 90 }] }),
        'cloudrunv2.Service console: traffics adds up to 90 percent; make it 100',
      ],
      [
        'workers of two revisions',
        one('gcp:cloudrunv2/workerPool:WorkerPool', 'w', { instanceSplits: [{ percent: 60 }, { percent: 60 }] }),
        'cloudrunv2.WorkerPool w: instanceSplits adds up to 120 percent; make it 100',
      ],
    ],
  },

  schedules: {
    keeps: [
      ['a line of five fields', job({})],
      ['steps, ranges, lists and names', job({ schedule: '*/15 8-18/2 1,15 jan-jun MON-FRI' })],
      ['Sunday by either number', job({ schedule: '0 0 * * 0,7' })],
      ['as App Engine wrote it', job({ schedule: 'every 5 minutes' })],
      ['a topic, which has no method', job({ httpTarget: null, pubsubTarget: { topicName: 't' } })],
    ],
    breaks: [
      [
        'six fields',
        job({ schedule: '0 45 8 * * 2' }),
        'cloudscheduler.Job nightly: schedule is "0 45 8 * * 2": must be five fields, minute, hour, day of month, month, day of week, such as "45 8 * * 2"; write five fields: "45 8 * * 2"',
      ],
      [
        'an hour that is none',
        job({ schedule: '0 24 * * *' }),
        'cloudscheduler.Job nightly: schedule is "0 24 * * *": hour: "24" is not within 0 to 23; write five fields: "45 8 * * 2"',
      ],
      [
        'a range that runs back',
        job({ schedule: '0 0 * * 5-1' }),
        'cloudscheduler.Job nightly: schedule is "0 0 * * 5-1": day of week: "5-1" ends before it begins; write five fields: "45 8 * * 2"',
      ],
      [
        'a step of nothing',
        job({ schedule: '*/0 * * * *' }),
        'cloudscheduler.Job nightly: schedule is "*/0 * * * *": minute: "*/0" has a step of 0; write five fields: "45 8 * * 2"',
      ],
      [
        'a word',
        job({ schedule: '@daily' }),
        'cloudscheduler.Job nightly: schedule is "@daily": must be five fields, minute, hour, day of month, month, day of week, such as "45 8 * * 2"; write five fields: "45 8 * * 2"',
      ],
      [
        'a time zone that is none',
        job({ timeZone: 'Europe/Atlantis' }),
        'cloudscheduler.Job nightly: timeZone is "Europe/Atlantis", which is no time zone; name one: "Europe/Berlin"',
      ],
      [
        'no method',
        job({ httpTarget: { uri: 'https://example.org' } }),
        'cloudscheduler.Job nightly: httpTarget.httpMethod is missing; set it to "POST", or what the target takes',
      ],
      [
        'a line in the cluster',
        one('kubernetes:batch/v1:CronJob', 'c', { spec: { schedule: '0 0 32 * *' } }),
        'kubernetes CronJob c: spec.schedule is "0 0 32 * *": day of month: "32" is not within 1 to 31; write five fields: "45 8 * * 2"',
      ],
    ],
  },

  'log-metrics': {
    keeps: [
      ['a count', metric({})],
      [
        'labels on both sides',
        metric({
          labelExtractors: { flow: 'EXTRACT(jsonPayload.flow)' },
          metricDescriptor: { labels: [{ key: 'flow' }] },
        }),
      ],
      [
        'a distribution',
        metric({ metricDescriptor: { valueType: 'DISTRIBUTION' }, valueExtractor: 'EXTRACT(jsonPayload.s)' }),
      ],
    ],
    breaks: [
      [
        'a label that nothing describes',
        metric({ labelExtractors: { flow: 'EXTRACT(jsonPayload.flow)' } }),
        "logging.Metric failures: labelExtractors.flow has no label in the descriptor; add { key: 'flow' } to metricDescriptor.labels",
      ],
      [
        'a label that nothing extracts',
        metric({ metricDescriptor: { labels: [{ key: 'flow' }] } }),
        'logging.Metric failures: metricDescriptor.labels has flow, which nothing extracts; add flow to labelExtractors',
      ],
      [
        'a distribution of nothing',
        metric({ metricDescriptor: { valueType: 'DISTRIBUTION' } }),
        'logging.Metric failures: valueExtractor is missing for a distribution; say where the value is: EXTRACT(jsonPayload.seconds)',
      ],
    ],
  },

  'alert-conditions': {
    keeps: [
      ['a bound', threshold({})],
      [
        'lines of the log',
        alert({
          conditions: [{ conditionMatchedLog: { filter: 'x' } }],
          alertStrategy: { notificationRateLimit: { period: '300s' } },
        }),
      ],
    ],
    breaks: [
      [
        'a comparison without its prefix',
        threshold({ comparison: 'GT' }),
        'monitoring.AlertPolicy slow: conditions[0].conditionThreshold.comparison is "GT", which Google refuses; use COMPARISON_GT or COMPARISON_LT',
      ],
      [
        'a comparison that is only in the schema',
        threshold({ comparison: 'COMPARISON_GE' }),
        'monitoring.AlertPolicy slow: conditions[0].conditionThreshold.comparison is "COMPARISON_GE", which Google refuses; use COMPARISON_GT or COMPARISON_LT',
      ],
      [
        'a filter that names no resource',
        threshold({ filter: 'metric.type="a/b"' }),
        'monitoring.AlertPolicy slow: conditions[0].conditionThreshold.filter names no resource.type; add resource.type="…"',
      ],
      [
        'mail for every line',
        alert({ conditions: [{ conditionMatchedLog: { filter: 'x' } }] }),
        'monitoring.AlertPolicy slow: alertStrategy.notificationRateLimit is missing, which an alert on log lines must have; add { period: "300s" }',
      ],
      [
        'lines of the log beside something else',
        alert({
          conditions: [{ conditionMatchedLog: { filter: 'x' } }, { conditionMatchedLog: { filter: 'y' } }],
          alertStrategy: { notificationRateLimit: { period: '300s' } },
        }),
        'monitoring.AlertPolicy slow: conditions has another one beside that on log lines; make a policy of each',
      ],
    ],
  },

  'cluster-settings': {
    keeps: [
      ['a cluster with pools of its own', cluster({ initialNodeCount: 1, removeDefaultNodePool: true })],
      [
        'an Autopilot cluster',
        cluster({ enableAutopilot: true, workloadIdentityConfig: { workloadPool: 'p.svc.id.goog' } }),
      ],
    ],
    breaks: [
      [
        'a default pool that Autopilot has not',
        cluster({ enableAutopilot: true, removeDefaultNodePool: true }),
        'container.Cluster cluster: removeDefaultNodePool is given to an Autopilot cluster, which makes its own nodes; remove it',
      ],
      [
        'an account that makes the cluster anew each time',
        cluster({ enableAutopilot: true, nodeConfig: { serviceAccount: 'nodes' } }),
        'container.Cluster cluster: nodeConfig.serviceAccount is given to an Autopilot cluster, which is then replaced by every up; use clusterAutoscaling.autoProvisioningDefaults.serviceAccount, with oauthScopes',
      ],
      [
        'a cluster that begins with nothing',
        cluster({ removeDefaultNodePool: true }),
        'container.Cluster cluster: initialNodeCount is missing, and a cluster begins with a node pool; set it to 1, with removeDefaultNodePool: true where pools of our own take its place',
      ],
      [
        'a pool of identities with another name',
        cluster({ initialNodeCount: 1, workloadIdentityConfig: { workloadPool: 'p' } }),
        'container.Cluster cluster: workloadIdentityConfig.workloadPool is "p", which Google refuses; write PROJECT.svc.id.goog',
      ],
    ],
  },

  'node-pools': {
    keeps: [
      ['a pool that scales', pool({ autoscaling: { totalMinNodeCount: 0, totalMaxNodeCount: 100 } })],
      ['a pool that does not', pool({ nodeCount: 3 })],
    ],
    breaks: [
      [
        'a count beside scaling',
        pool({ autoscaling: { minNodeCount: 0, maxNodeCount: 3 }, nodeCount: 1 }),
        'container.NodePool spot: nodeCount is given beside autoscaling; remove it',
      ],
      [
        'a least above the most',
        pool({ autoscaling: { minNodeCount: 5, maxNodeCount: 3 } }),
        'container.NodePool spot: autoscaling.minNodeCount is 5, more than maxNodeCount; make it 3 or less',
      ],
      [
        'two ways to count',
        pool({ autoscaling: { minNodeCount: 1, totalMaxNodeCount: 3 } }),
        'container.NodePool spot: autoscaling counts nodes per zone and in all; leave one of the two out',
      ],
    ],
  },
}
