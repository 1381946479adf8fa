import { RELEASE_TAG } from '@millrace/release'
import * as gcp from '@pulumi/gcp'
import * as pulumi from '@pulumi/pulumi'
import type { RegistryConfig } from '../config.ts'
import { labelsOf, type Place } from '../place.ts'
import type { ProjectServices } from './project-services.ts'

export interface ArtifactRegistryArgs {
  readonly place: Place
  readonly services: ProjectServices
  readonly config: RegistryConfig
}

/** The registry of the stack's images, which cleans itself up. */
export class ArtifactRegistry extends pulumi.ComponentResource {
  readonly repository: gcp.artifactregistry.Repository
  /** What images' names begin with: `europe-west1-docker.pkg.dev/PROJECT/millrace`. */
  readonly url: pulumi.Output<string>

  constructor(name: string, args: ArtifactRegistryArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:ArtifactRegistry', name, {}, opts)
    const { place, services, config } = args
    this.repository = makeRepository(this)
    this.url = pulumi.interpolate`${place.region}-docker.pkg.dev/${place.project}/${this.repository.repositoryId}`
    this.registerOutputs({ url: this.url })

    function makeRepository(parent: pulumi.Resource) {
      return new gcp.artifactregistry.Repository(
        'images',
        {
          project: place.project,
          location: place.region,
          repositoryId: 'millrace',
          format: 'DOCKER',
          description: 'Images of the platform and its flows',
          // Of those that are old, the newest of each image and what a release is made of stay.
          cleanupPolicies: [
            { id: 'keep-newest', action: 'KEEP', mostRecentVersions: { keepCount: config.keep } },
            {
              id: 'keep-releases',
              action: 'KEEP',
              condition: { tagState: 'TAGGED', tagPrefixes: [RELEASE_TAG] },
            },
            { id: 'delete-old', action: 'DELETE', condition: { tagState: 'ANY', olderThan: `${config.deleteAfter}s` } },
          ],
          vulnerabilityScanningConfig: { enablementConfig: config.scanning ? 'INHERITED' : 'DISABLED' },
          labels: labelsOf(place, 'registry'),
        },
        {
          parent,
          protect: place.protect,
          dependsOn: services.of('artifactregistry', ...(config.scanning ? (['containerscanning'] as const) : [])),
        },
      )
    }
  }

  /** The name of one of its images. */
  image(image: string, digest: pulumi.Input<string>): pulumi.Output<string> {
    return pulumi.interpolate`${this.url}/${image}@${digest}`
  }

  /** Lets somebody pull (reader) or push (writer). */
  grant(
    name: string,
    role: 'reader' | 'writer',
    member: pulumi.Input<string>,
    parent: pulumi.Resource,
  ): gcp.artifactregistry.RepositoryIamMember {
    const { project, location, repositoryId } = this.repository
    return new gcp.artifactregistry.RepositoryIamMember(
      `${name}-${role}`,
      { project, location, repository: repositoryId, role: `roles/artifactregistry.${role}`, member },
      { parent },
    )
  }
}
