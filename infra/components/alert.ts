import * as gcp from '@pulumi/gcp'
import type * as pulumi from '@pulumi/pulumi'
import { labelsOf, type Place } from '../place.ts'

export interface LogAlertArgs {
  readonly place: Place
  readonly title: string
  /** What it means, and what to do: goes with every message. */
  readonly text: string
  readonly filter: string
  /** Fields of the line that stand in the message. */
  readonly extract?: Readonly<Record<string, string>>
  readonly channels: readonly pulumi.Input<string>[]
  /** Which component it is of. */
  readonly component: string
}

/** An alert on lines of the log. It tells at most once in five minutes. */
export function logAlert(
  name: string,
  args: LogAlertArgs,
  opts: pulumi.CustomResourceOptions,
): gcp.monitoring.AlertPolicy {
  return new gcp.monitoring.AlertPolicy(
    name,
    {
      project: args.place.project,
      displayName: args.title,
      combiner: 'OR',
      conditions: [
        {
          displayName: args.title,
          conditionMatchedLog: { filter: args.filter, ...(args.extract && { labelExtractors: args.extract }) },
        },
      ],
      alertStrategy: { notificationRateLimit: { period: '300s' }, autoClose: '86400s' },
      documentation: { content: args.text, mimeType: 'text/markdown' },
      notificationChannels: [...args.channels],
      userLabels: labelsOf(args.place, args.component),
    },
    opts,
  )
}
