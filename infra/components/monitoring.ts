import * as gcp from '@pulumi/gcp'
import * as pulumi from '@pulumi/pulumi'
import type { MonitoringConfig } from '../config.ts'
import { labelsOf, type Place } from '../place.ts'
import { logAlert } from './alert.ts'
import { dashboard } from './dashboard.ts'
import type { Database } from './database.ts'
import { eventFilter, LOG_EVENT } from './log-events.ts'
import type { ProjectServices } from './project-services.ts'

export interface MonitoringArgs {
  readonly place: Place
  readonly services: ProjectServices
  readonly config: MonitoringConfig
  /** Whether there is a Kubernetes cluster to watch. */
  readonly withCluster: boolean
}

/** A number that must not stay above a bound. */
interface Bound {
  readonly title: string
  readonly text: string
  readonly filter: pulumi.Input<string>
  readonly above: number
  /** Seconds. */
  readonly for: number
  readonly aligner: 'ALIGN_MEAN' | 'ALIGN_MAX' | 'ALIGN_DELTA'
}

/**
 * Who is told of what, and a dashboard to look at. Alerts look at lines of the log and at numbers that Google itself
 * measures: both are there before anything has run.
 */
export class Monitoring extends pulumi.ComponentResource {
  /** Where alerts go. */
  readonly channels: readonly pulumi.Output<string>[]
  private readonly args: MonitoringArgs

  constructor(name: string, args: MonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:Monitoring', name, {}, opts)
    this.args = args
    const { place, services, config, withCluster } = args
    const under = { parent: this, dependsOn: services.of('monitoring', 'logging') }
    this.channels = config.email.map(makeChannel)
    const channels = this.channels
    makeBacklogAlert()
    makeMissingAlert()
    if (withCluster) makeRestartAlert(this)
    new gcp.monitoring.Dashboard(
      'dashboard',
      { project: place.project, dashboardJson: JSON.stringify(dashboard(place, withCluster)) },
      under,
    )
    this.registerOutputs()

    function makeChannel(address: string) {
      const channel = new gcp.monitoring.NotificationChannel(
        `mail-${address}`,
        {
          project: place.project,
          displayName: address,
          type: 'email',
          labels: { email_address: address },
          userLabels: labelsOf(place, 'monitoring'),
        },
        under,
      )
      return channel.name
    }

    function makeBacklogAlert() {
      logAlert(
        'backlog',
        {
          place,
          title: 'Runs wait for long',
          text: 'Runs or tasks wait for longer than they should: is a queue paused, an agent missing, a worker cluster at its most? `millrace cluster status` tells.',
          filter: eventFilter(LOG_EVENT.backlog),
          extract: { queue: 'EXTRACT(jsonPayload.queue)' },
          channels,
          component: 'monitoring',
        },
        under,
      )
    }

    function makeMissingAlert() {
      logAlert(
        'missing',
        {
          place,
          title: 'An agent is missing',
          text: 'An agent or a worker cluster that should be there has not been heard of. What it was to launch waits.',
          filter: eventFilter(LOG_EVENT.missing),
          extract: { name: 'EXTRACT(jsonPayload.name)' },
          channels,
          component: 'monitoring',
        },
        under,
      )
    }

    function makeRestartAlert(monitoring: Monitoring) {
      monitoring.bound('restarts', {
        title: 'Containers start again and again',
        text: 'A container of the platform in the cluster restarts: `kubectl -n millrace get pods` tells which, `logs --previous` why.',
        filter:
          'metric.type="kubernetes.io/container/restart_count" AND resource.type="k8s_container" AND resource.labels.namespace_name=monitoring.regex.full_match("millrace|keda")',
        above: 3,
        for: 0,
        aligner: 'ALIGN_DELTA',
      })
    }
  }

  /** Watches the database. */
  watch(database: Database): void {
    const { project } = this.args.place
    const id = database.instance.name.apply((name) => `${project}:${name}`)
    const metric = (what: string) =>
      pulumi.interpolate`metric.type="cloudsql.googleapis.com/database/${what}" AND resource.type="cloudsql_database" AND resource.labels.database_id="${id}"`
    this.bound('database-disk', {
      title: 'The disk of the database fills',
      text: 'It grows by itself up to `millrace:database.maxDisk`. Raise that, or delete old runs: `millrace runs prune`.',
      filter: metric('disk/utilization'),
      above: 0.85,
      for: 900,
      aligner: 'ALIGN_MAX',
    })
    this.bound('database-cpu', {
      title: 'The database is busy',
      text: 'For half an hour nearly all of its processors: choose a larger `millrace:database.tier`.',
      filter: metric('cpu/utilization'),
      above: 0.9,
      for: 1800,
      aligner: 'ALIGN_MEAN',
    })
  }

  private bound(name: string, { title, text, filter, above, for: duration, aligner }: Bound): void {
    const { place, services } = this.args
    new gcp.monitoring.AlertPolicy(
      name,
      {
        project: place.project,
        displayName: title,
        combiner: 'OR',
        conditions: [
          {
            displayName: title,
            conditionThreshold: {
              filter,
              comparison: 'COMPARISON_GT',
              thresholdValue: above,
              duration: `${duration}s`,
              aggregations: [{ alignmentPeriod: '300s', perSeriesAligner: aligner }],
            },
          },
        ],
        alertStrategy: { autoClose: '86400s' },
        documentation: { content: text, mimeType: 'text/markdown' },
        notificationChannels: [...this.channels],
        userLabels: labelsOf(place, 'monitoring'),
      },
      { parent: this, dependsOn: services.of('monitoring') },
    )
  }
}
