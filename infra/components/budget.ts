import * as gcp from '@pulumi/gcp'
import * as pulumi from '@pulumi/pulumi'
import type { BudgetConfig } from '../config.ts'
import type { Place } from '../place.ts'
import type { ProjectServices } from './project-services.ts'

export interface BudgetArgs {
  readonly place: Place
  readonly services: ProjectServices
  readonly config: BudgetConfig
  /** Who is told, besides the billing administrators. */
  readonly channels: readonly pulumi.Input<string>[]
}

/** What the project may cost in a month, and who is told on the way there. It stops nothing. */
export class Budget extends pulumi.ComponentResource {
  constructor(name: string, args: BudgetArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:Budget', name, {}, opts)
    const { place, services, config, channels } = args
    new gcp.billing.Budget(
      'month',
      {
        billingAccount: config.billingAccount,
        displayName: `Millrace ${place.stack}`,
        budgetFilter: { projects: [`projects/${place.projectNumber}`], calendarPeriod: 'MONTH' },
        amount: { specifiedAmount: { currencyCode: config.amount.currency, units: config.amount.units } },
        thresholdRules: config.alertAt.map((thresholdPercent) => ({ thresholdPercent, spendBasis: 'CURRENT_SPEND' })),
        // Five channels are the most that Google takes.
        ...(channels.length > 0 && { allUpdatesRule: { monitoringNotificationChannels: channels.slice(0, 5) } }),
      },
      { parent: this, dependsOn: services.of('billingbudgets') },
    )
    this.registerOutputs()
  }
}
