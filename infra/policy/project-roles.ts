/**
 * Roles that have no narrower home than the project, and why. A role is not here because it is handy: it is here because
 * Google has no smaller thing to grant it on.
 */
const ANYBODY: Readonly<Record<string, string>> = {
  'roles/logging.logWriter': 'log entries are written to the project',
  'roles/monitoring.metricWriter': 'time series are written to the project',
  'roles/cloudtrace.agent': 'traces are written to the project',
  'roles/container.defaultNodeServiceAccount':
    'a node reports to the project, and clusters have no grants of their own',
}

/** What the identity that applies the program may: it makes what does not exist yet. */
const GITHUB: Readonly<Record<string, string>> = {
  'roles/artifactregistry.admin': 'makes the registry, and grants on it',
  'roles/cloudsql.admin': 'makes the database and its users',
  'roles/compute.networkAdmin': 'makes the network',
  'roles/container.admin': 'makes the cluster and what is in it; clusters have no grants of their own',
  'roles/iam.roleAdmin': 'makes custom roles, which are of the project',
  'roles/iam.serviceAccountAdmin': 'makes service accounts, and grants on them',
  'roles/iam.workloadIdentityPoolAdmin': 'makes the pool of the federation',
  'roles/iap.admin': 'decides who gets through IAP to the console',
  'roles/logging.configWriter': 'makes metrics of log lines',
  'roles/monitoring.editor': 'makes dashboards, alerts and channels, which have no grants of their own',
  'roles/run.admin': 'makes services, jobs and worker pools',
  'roles/secretmanager.admin': 'makes secrets and their versions',
  'roles/serviceusage.serviceUsageAdmin': 'switches APIs of the project on',
  'roles/storage.admin': 'makes buckets',
}

/** Permissions that can be granted on something smaller, and what to do in place of granting them on the project. */
const NARROWER: readonly (readonly [permission: RegExp, instead: string])[] = [
  [
    /^iam\.serviceAccounts\.(?:actAs|getAccessToken|getOpenIdToken|implicitDelegation|signBlob|signJwt)$/,
    'grant a role with it on the service account',
  ],
  [/^iam\.serviceAccountKeys\./, 'leave it out: no keys are made'],
  [/^secretmanager\.(?:versions|secrets)\.(?!list$|get$|create$)/, 'grant a role with it on the secret'],
  [/^storage\.(?:objects|folders|managedFolders|multipartUploads)\./, 'grant a role with it on the bucket'],
  [
    /^artifactregistry\.(?:repositories\.(?:down|up)loadArtifacts|files\.|versions\.|tags\.|dockerimages\.)/,
    'grant a role with it on the repository',
  ],
  [/^pubsub\.(?:topics\.publish|subscriptions\.consume)$/, 'grant a role with it on the topic or subscription'],
  [/^cloudkms\.cryptoKeyVersions\.use/, 'grant a role with it on the key'],
  [/^bigquery\.tables\.(?:get|update)Data$/, 'grant a role with it on the dataset'],
  [/^run\.routes\.invoke$/, 'grant a role with it on the service'],
  [/\.setIamPolicy$/, 'leave it out: the program alone decides who may do what'],
]

/** Why a role may be granted on the project; undefined when it may not. */
export function whyWholeProject(role: string, forGithub: boolean): string | undefined {
  return ANYBODY[role] ?? (forGithub ? GITHUB[role] : undefined)
}

/** What to do in place of granting a permission on the project; undefined when there is nothing smaller. */
export function insteadOfProject(permission: string): string | undefined {
  return NARROWER.find(([pattern]) => pattern.test(permission))?.[1]
}
