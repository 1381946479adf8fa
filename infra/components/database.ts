import * as gcp from '@pulumi/gcp'
import * as pulumi from '@pulumi/pulumi'
import type { DatabaseConfig } from '../config.ts'
import { labelsOf, type Place } from '../place.ts'
import type { Network } from './network.ts'
import type { ProjectServices } from './project-services.ts'

const GIB = 2 ** 30
const DAY = 86_400

export interface DatabaseArgs {
  readonly place: Place
  readonly services: ProjectServices
  readonly network: Network
  readonly config: DatabaseConfig
}

/** Somebody who connects to the database. */
export interface DatabaseUser {
  /** Names its resources. */
  readonly name: string
  readonly account: gcp.serviceaccount.Account
  /** Whether it may make and change the schema: whoever starts first brings it up to date. */
  readonly ownsSchema?: boolean
}

/**
 * The one stateful part of the platform: Postgres on Cloud SQL, with runs, queues and journals. It has an address in the
 * private network only, and no passwords: its users are service accounts that log in as what they are.
 */
export class Database extends pulumi.ComponentResource {
  readonly instance: gcp.sql.DatabaseInstance
  /** What the platform's processes get as `MILLRACE_DATABASE`: an instance to log in to by IAM. */
  readonly url: pulumi.Output<string>
  private readonly place: Place

  constructor(name: string, args: DatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:Database', name, {}, opts)
    const { place, services, network, config } = args
    const parent = this
    this.place = place
    this.instance = makeInstance()
    const database = makeDatabase(this.instance)
    this.url = pulumi.interpolate`cloudsql://${this.instance.connectionName}/${database.name}`
    this.registerOutputs({ url: this.url })

    function makeInstance() {
      return new gcp.sql.DatabaseInstance(
        'postgres',
        {
          // Left to Pulumi, which adds a part by chance: Google keeps the name of a deleted one for a week.
          project: place.project,
          region: place.region,
          databaseVersion: config.version,
          deletionProtection: place.protect,
          settings: {
            tier: config.tier,
            // Newer versions are Enterprise Plus unless told otherwise, and that has other tiers.
            edition: 'ENTERPRISE',
            availabilityType: config.highAvailability ? 'REGIONAL' : 'ZONAL',
            deletionProtectionEnabled: place.protect,
            diskType: 'PD_SSD',
            diskSize: Math.ceil(config.disk / GIB),
            diskAutoresize: true,
            diskAutoresizeLimit: Math.ceil(config.maxDisk / GIB),
            ipConfiguration: {
              ipv4Enabled: false,
              privateNetwork: network.network.id,
              sslMode: 'ENCRYPTED_ONLY',
              enablePrivatePathForGoogleCloudServices: false,
            },
            backupConfiguration: {
              enabled: true,
              startTime: '01:00',
              pointInTimeRecoveryEnabled: true,
              transactionLogRetentionDays: config.pointInTime / DAY,
              backupRetentionSettings: { retainedBackups: config.backups, retentionUnit: 'COUNT' },
            },
            maintenanceWindow: { ...config.maintenance, updateTrack: 'stable' },
            databaseFlags: [
              { name: 'cloudsql.iam_authentication', value: 'on' },
              { name: 'max_connections', value: String(config.connections) },
            ],
            insightsConfig: { queryInsightsEnabled: true },
            userLabels: labelsOf(place, 'database'),
          },
        },
        {
          parent,
          protect: place.protect,
          // The disk grows by itself: a smaller number here is not a wish to make it anew.
          ignoreChanges: ['settings.diskSize'],
          dependsOn: [...services.of('sqladmin'), network.peering],
        },
      )
    }

    function makeDatabase(instance: gcp.sql.DatabaseInstance) {
      return new gcp.sql.Database(
        'millrace',
        { project: place.project, instance: instance.name, name: 'millrace' },
        { parent, protect: place.protect },
      )
    }
  }

  /** Lets a service account log in. @returns what must exist before it can */
  admit({ name, account, ownsSchema = false }: DatabaseUser, parent: pulumi.Resource): pulumi.Resource[] {
    const { project } = this.place
    // The right to connect is the project's to give, but for this instance alone.
    const condition = {
      title: 'only this database',
      expression: pulumi.interpolate`resource.service == "sqladmin.googleapis.com" && resource.name == "projects/${project}/instances/${this.instance.name}"`,
    }
    const grants = (['cloudsql.client', 'cloudsql.instanceUser'] as const).map(
      (role) =>
        new gcp.projects.IAMMember(
          `${name}-${role}`,
          { project, role: `roles/${role}`, member: account.member, condition },
          { parent },
        ),
    )
    const user = new gcp.sql.User(
      name,
      {
        project,
        instance: this.instance.name,
        // Postgres knows a service account by its address without the last part.
        name: account.email.apply((email) => email.replace(/\.gserviceaccount\.com$/, '')),
        type: 'CLOUD_IAM_SERVICE_ACCOUNT',
        ...(ownsSchema && { databaseRoles: ['cloudsqlsuperuser'] }),
        // Google refuses to delete a user that owns something; it goes with the instance.
        deletionPolicy: 'ABANDON',
      },
      { parent },
    )
    return [...grants, user]
  }
}
