import { keptVersions, type SecretConfig, type SecretsConfig, type SecretValues } from '@millrace/release'
import * as gcp from '@pulumi/gcp'
import * as pulumi from '@pulumi/pulumi'
import * as random from '@pulumi/random'
import { labelsOf, type Place } from '../place.ts'
import type { ProjectServices } from './project-services.ts'

export interface SecretsArgs {
  readonly place: Place
  readonly services: ProjectServices
  readonly secrets: SecretsConfig
  /** Values of secrets with the source `config`, by name and version. */
  readonly values: SecretValues
}

/** Somebody who reads secrets. */
export interface SecretReader {
  /** Names the grants. */
  readonly name: string
  readonly member: pulumi.Input<string>
  readonly secrets: readonly string[]
}

interface Declared {
  readonly config: SecretConfig
  readonly secret: gcp.secretmanager.Secret
  /** Resource name of the version that is in use: `projects/…/secrets/NAME/versions/3`. */
  readonly current: pulumi.Output<string>
}

/**
 * The secrets of the stack, in Secret Manager and nowhere else. Each has a version in the config, and whoever reads it is
 * told that very version: a raised one makes a new version, rolls the readers, and then disables the old one
 * ({@link retire}), which stays for `keep` more versions and is destroyed after.
 *
 * The value is from the encrypted config (`config`), made by chance (`random`), or put there by somebody else
 * (`external`: only the secret is made here; its versions are Google's numbers).
 */
export class Secrets extends pulumi.ComponentResource {
  private readonly args: SecretsArgs
  private readonly entries: ReadonlyMap<string, Declared>

  constructor(name: string, args: SecretsArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:Secrets', name, {}, opts)
    this.args = args
    const { place, services } = args
    this.entries = new Map(
      Object.entries(args.secrets).map(([id, config]) => {
        const secret = new gcp.secretmanager.Secret(
          id,
          {
            project: place.project,
            secretId: id,
            replication: { auto: {} },
            labels: { ...labelsOf(place, 'secrets'), source: config.source },
          },
          { parent: this, dependsOn: services.of('secretmanager') },
        )
        const current =
          config.source === 'external'
            ? pulumi.interpolate`${secret.id}/versions/${config.version}`
            : this.makeVersion(id, config, config.version, secret).name
        return [id, { config, secret, current }]
      }),
    )
    this.registerOutputs()
  }

  /** What a reader is told: the version of each of its secrets, by name. */
  versions(names: readonly string[]): pulumi.Output<Record<string, string>> {
    return pulumi.output(Object.fromEntries(names.toSorted().map((id) => [id, this.find(id).current])))
  }

  /** Lets somebody read the values of some secrets. */
  grant({ name, member, secrets }: SecretReader, parent: pulumi.Resource): gcp.secretmanager.SecretIamMember[] {
    return secrets.map((id) => {
      const { project, secretId } = this.find(id).secret
      return new gcp.secretmanager.SecretIamMember(
        `${name}-reads-${id}`,
        { project, secretId, role: 'roles/secretmanager.secretAccessor', member },
        { parent },
      )
    })
  }

  /**
   * Disables the versions before the current ones, as many as are kept, when all of `readers` have been told the new
   * ones. Versions that are no longer kept are no longer declared: they are destroyed.
   */
  retire(readers: readonly pulumi.Resource[]): void {
    for (const [id, { config, secret }] of this.entries) {
      for (const version of keptVersions(config)) this.makeVersion(id, config, version, secret, readers)
    }
  }

  private makeVersion(
    id: string,
    config: SecretConfig,
    version: number,
    secret: gcp.secretmanager.Secret,
    readers?: readonly pulumi.Resource[],
  ): gcp.secretmanager.SecretVersion {
    return new gcp.secretmanager.SecretVersion(
      `${id}-v${version}`,
      {
        secret: secret.id,
        secretData: this.dataOf(id, config, version),
        enabled: readers === undefined,
        deletionPolicy: 'DELETE',
      },
      { parent: this, ...(readers && { dependsOn: [...readers] }) },
    )
  }

  private dataOf(id: string, config: SecretConfig, version: number): pulumi.Output<string> {
    if (config.source !== 'random') return pulumi.secret(this.args.values[id]?.[String(version)] ?? '')
    const { result } = new random.RandomPassword(
      `${id}-v${version}`,
      // Letters and digits alone: it may stand in a URL, a header or a file as it is.
      { length: config.length, special: false, keepers: { version: String(version) } },
      { parent: this },
    )
    return result
  }

  private find(id: string): Declared {
    const found = this.entries.get(id)
    if (!found) throw new Error(`the secret ${id} is used, but not declared`)
    return found
  }
}
