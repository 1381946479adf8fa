import * as gcp from '@pulumi/gcp'
import * as pulumi from '@pulumi/pulumi'
import type { Place } from '../place.ts'
import { LAUNCHER_ROLE } from './github-roles.ts'
import type { ProjectServices } from './project-services.ts'

type CloudLauncher = keyof typeof LAUNCHER_ROLE

/**
 * What a launcher calls of the API it launches with; and it reads the log of what it launched. `run.operations.get` is for
 * definitions that are being made. A test runs the launchers, and compares.
 */
export const LAUNCHER_PERMISSIONS: Readonly<Record<CloudLauncher, readonly string[]>> = {
  'cloud-run': [
    'logging.logEntries.list',
    'run.executions.cancel',
    'run.executions.list',
    'run.jobs.create',
    'run.jobs.delete',
    'run.jobs.get',
    'run.jobs.list',
    'run.jobs.run',
    'run.operations.get',
    'run.tasks.list',
  ],
  vertex: [
    'aiplatform.customJobs.cancel',
    'aiplatform.customJobs.create',
    'aiplatform.customJobs.delete',
    'aiplatform.customJobs.get',
    'aiplatform.customJobs.list',
    'logging.logEntries.list',
  ],
}

export interface LauncherRolesArgs {
  readonly place: Place
  readonly services: ProjectServices
  /** Those that agents use. Kubernetes has roles of its own. */
  readonly launchers: readonly CloudLauncher[]
}

/**
 * A role for each launcher, with what it calls and no more. They are granted in the project, since the jobs that they are
 * for do not exist yet.
 */
export class LauncherRoles extends pulumi.ComponentResource {
  private readonly place: Place
  private readonly roles: ReadonlyMap<CloudLauncher, gcp.projects.IAMCustomRole>

  constructor(name: string, args: LauncherRolesArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:LauncherRoles', name, {}, opts)
    const { place, services } = args
    this.place = place
    this.roles = new Map(
      [...new Set(args.launchers)].map((launcher) => [
        launcher,
        new gcp.projects.IAMCustomRole(
          `${launcher}-launcher`,
          {
            project: place.project,
            roleId: LAUNCHER_ROLE[launcher],
            title: `Millrace: launch jobs by ${launcher}`,
            permissions: [...LAUNCHER_PERMISSIONS[launcher]],
            stage: 'GA',
          },
          { parent: this, dependsOn: services.of('iam') },
        ),
      ]),
    )
    this.registerOutputs()
  }

  /** Lets an agent launch. @returns what must exist before it starts */
  grant(
    agent: string,
    launcher: CloudLauncher,
    member: pulumi.Input<string>,
    parent: pulumi.Resource,
  ): pulumi.Resource[] {
    const role = this.roles.get(launcher)
    if (!role) throw new Error(`the agent ${agent} launches by ${launcher}, which no role was made for`)
    const grant = new gcp.projects.IAMMember(
      `agent-${agent}-launches`,
      { project: this.place.project, role: role.name, member },
      { parent },
    )
    return [grant]
  }
}
