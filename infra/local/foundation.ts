import type * as docker from '@pulumi/docker'
import type * as pulumi from '@pulumi/pulumi'
import type { LocalData } from './data.ts'
import type { LocalDatabase } from './database.ts'
import type { LocalImages } from './local-images.ts'

/** What everything that runs in a stack of containers stands on. */
export interface LocalFoundation {
  readonly stack: string
  readonly network: docker.Network
  readonly images: LocalImages
  readonly database: LocalDatabase
  readonly data: LocalData
}

/**
 * What every process of the platform is told by its environment: the run contract, as
 * infra/components/process-environment.ts says it in the cloud. The database's URL has the password: whoever may ask the
 * engine what a container is told is root on its machine.
 */
export function localEnvironment(
  { stack, database, data }: LocalFoundation,
  more: Readonly<Record<string, pulumi.Input<string>>>,
): Record<string, pulumi.Input<string>> {
  return { MILLRACE_ENV: stack, MILLRACE_DATABASE: database.url, MILLRACE_STORE: data.url('results'), ...more }
}

/** What must be there before a process of the platform starts. */
export function standsOn({ database, data }: LocalFoundation): pulumi.Resource[] {
  return [database.container, ...data.ready]
}
