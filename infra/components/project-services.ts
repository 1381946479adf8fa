import type { StackApi } from '@millrace/release/bootstrap'
import * as gcp from '@pulumi/gcp'
import * as pulumi from '@pulumi/pulumi'
import type { Place } from '../place.ts'

export interface ProjectServicesArgs {
  readonly place: Place
  /** What the stack uses. */
  readonly apis: readonly StackApi[]
}

/**
 * The APIs of the project that the stack uses. Everything that belongs to an API depends on it: an input taken from a
 * resource of another API does not make it wait. They stay switched on when the stack is destroyed, for others may use
 * them.
 *
 * `cloudresourcemanager` itself must be on before the first `up`: the provider reads the project through it.
 */
export class ProjectServices extends pulumi.ComponentResource {
  private readonly services: ReadonlyMap<StackApi, gcp.projects.Service>

  constructor(name: string, { place, apis }: ProjectServicesArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:ProjectServices', name, {}, opts)
    this.services = new Map(
      apis.map((api) => [
        api,
        new gcp.projects.Service(
          api,
          { project: place.project, service: `${api}.googleapis.com`, disableOnDestroy: false },
          { parent: this },
        ),
      ]),
    )
    this.registerOutputs()
  }

  /** The APIs, to depend on. */
  of(...apis: readonly StackApi[]): pulumi.Resource[] {
    return apis.map((api) => {
      const service = this.services.get(api)
      if (!service) throw new Error(`the API ${api} is used, but not among those that the stack switches on`)
      return service
    })
  }
}
