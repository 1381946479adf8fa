/**
 * What the identity of deployments may do in the project: to make, change and remove what the program declares. None is
 * a basic role, and none can be narrower than the project: what they are for does not exist yet.
 */
export const APPLY_ROLES = [
  'artifactregistry.admin',
  'cloudsql.admin',
  'compute.networkAdmin',
  'compute.viewer',
  'container.admin',
  'iam.roleAdmin',
  'iam.serviceAccountAdmin',
  'iam.workloadIdentityPoolAdmin',
  'iap.admin',
  'logging.configWriter',
  'monitoring.editor',
  'run.admin',
  'secretmanager.admin',
  'serviceusage.serviceUsageAdmin',
  'storage.admin',
] as const

/**
 * What the identity of pull requests may look at. None of these roles reads the value of a secret or an object in a bucket;
 * but a preview decrypts Pulumi's state, and bootstrap lets it: who can push a branch can read what is secret there.
 */
export const PREVIEW_ROLES = [
  'artifactregistry.reader',
  'browser',
  'cloudsql.viewer',
  'compute.viewer',
  'container.clusterViewer',
  'iam.roleViewer',
  'iam.securityReviewer',
  'iam.workloadIdentityPoolViewer',
  'logging.viewer',
  'monitoring.viewer',
  'run.viewer',
  'secretmanager.viewer',
  'serviceusage.serviceUsageViewer',
] as const

/** Roles of the project that the program grants to others than the two identities of GitHub. */
const PROJECT_ROLES = ['cloudsql.client', 'cloudsql.instanceUser', 'container.defaultNodeServiceAccount'] as const

/** Ids of the custom roles that the program makes and grants in the project. */
export const LAUNCHER_ROLE = { 'cloud-run': 'millraceCloudRunLauncher', vertex: 'millraceVertexLauncher' } as const

/** All roles of the project that the program grants, as IAM names them. */
export const GRANTABLE_ROLES = (project: string): string[] => [
  ...[...PROJECT_ROLES, ...APPLY_ROLES, ...PREVIEW_ROLES].map((role) => `roles/${role}`),
  ...Object.values(LAUNCHER_ROLE).map((id) => `projects/${project}/roles/${id}`),
]
