import type * as pulumi from '@pulumi/pulumi'
import type { Foundation } from './foundation.ts'

export interface EnvironmentArgs {
  /** Below what of the results bucket it keeps large values. @default all of it */
  readonly prefix?: string
  readonly secrets: readonly string[]
  /** Besides what all get. */
  readonly more?: Readonly<Record<string, pulumi.Input<string>>>
}

/** An environment variable of a container. */
export interface EnvironmentVariable {
  readonly name: string
  readonly value: pulumi.Input<string>
}

/**
 * What every process of the platform is told by its environment (the run contract). Secrets are told as the names of
 * their versions: the process reads them from Secret Manager itself, so that no value is in an environment, and one way
 * does for Cloud Run, Kubernetes and Vertex. What is empty is left out: Google forgets empty values.
 */
export function processEnvironment(foundation: Foundation, args: EnvironmentArgs): EnvironmentVariable[] {
  const { place, database, buckets, secrets } = foundation
  const all: Record<string, pulumi.Input<string>> = {
    MILLRACE_ENV: place.stack,
    MILLRACE_DATABASE: database.url,
    MILLRACE_STORE: buckets.results.url.apply((url) => (args.prefix ? `${url}/${args.prefix}` : url)),
    ...(args.secrets.length > 0 && {
      MILLRACE_SECRETS: secrets.versions(args.secrets).apply((versions) => JSON.stringify(versions)),
    }),
    ...args.more,
  }
  return Object.entries(all).flatMap(([name, value]) => (value === '' ? [] : [{ name, value }]))
}
