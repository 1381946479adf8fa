import type * as pulumi from '@pulumi/pulumi'
import type { Place } from '../place.ts'
import type { ArtifactRegistry } from './artifact-registry.ts'
import type { Buckets } from './buckets.ts'
import type { Database } from './database.ts'
import type { FlowImages } from './flow-images.ts'
import type { LauncherRoles } from './launcher-roles.ts'
import type { Network } from './network.ts'
import type { ProjectServices } from './project-services.ts'
import type { Secrets } from './secrets.ts'

/** What everything that runs stands on. */
export interface Foundation {
  readonly place: Place
  readonly services: ProjectServices
  readonly network: Network
  readonly registry: ArtifactRegistry
  readonly secrets: Secrets
  readonly database: Database
  readonly buckets: Buckets
  readonly launcherRoles: LauncherRoles
  /** Who applies the stack from GitHub, where that is set up: it starts processes as other accounts. */
  readonly deployer: pulumi.Output<string> | undefined
  readonly images: FlowImages
}
