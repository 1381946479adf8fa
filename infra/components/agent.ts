import * as gcp from '@pulumi/gcp'
import type * as pulumi from '@pulumi/pulumi'
import type { AgentConfig } from '../config.ts'
import type { Foundation } from './foundation.ts'
import { type Identity, makeIdentity } from './identity.ts'
import { type EnvironmentVariable, processEnvironment } from './process-environment.ts'

export interface AgentArgs {
  readonly foundation: Foundation
  /** Of the agent in the config. */
  readonly agent: string
  readonly config: AgentConfig
  /** Tasks wait for so long (s) before the agent says so in its log, and somebody is told. */
  readonly backlogFor: number
}

/** An agent, whatever it launches with: a process that claims flow runs and starts their jobs. */
export interface Agent extends pulumi.Resource {
  /** Who it is. */
  readonly identity: Identity
  readonly launcher: AgentConfig['launcher']
}

/** Who an agent is: it owns the schema, for it starts before anything else, and reads releases and bundles. */
export function makeAgentIdentity({ foundation, agent, config }: AgentArgs, parent: pulumi.Resource): Identity {
  const { buckets } = foundation
  const identity = makeIdentity(
    foundation,
    {
      kind: 'agent',
      name: agent,
      description: `Claims flow runs and launches them by ${config.launcher}`,
      secrets: config.secrets,
      ownsSchema: true,
    },
    parent,
  )
  const { member } = identity
  const reads = (['releases', 'bundles'] as const).map((what) =>
    buckets.grant(`agent-${agent}-reads-${what}`, { bucket: buckets[what], role: 'objectViewer', member }, parent),
  )
  return { ...identity, grants: [...identity.grants, ...reads] }
}

/** What an agent is told. */
export function agentEnvironment(
  { foundation, agent, config, backlogFor }: AgentArgs,
  more: Readonly<Record<string, pulumi.Input<string>>> = {},
): EnvironmentVariable[] {
  const { place, buckets } = foundation
  return processEnvironment(foundation, {
    secrets: config.secrets,
    more: {
      MILLRACE_AGENT: agent,
      MILLRACE_LAUNCHER: config.launcher,
      MILLRACE_LABELS: config.labels.join(','),
      MILLRACE_SMTP: config.smtp ?? '',
      MILLRACE_RELEASES: buckets.releases.url,
      MILLRACE_BACKLOG_SECONDS: String(backlogFor),
      MILLRACE_PROJECT: place.project,
      MILLRACE_REGION: place.region,
      ...more,
    },
  })
}

/** Lets an agent start jobs that are somebody else: the account of a flow. */
export function letActAs(
  name: string,
  agent: Identity,
  account: gcp.serviceaccount.Account,
  parent: pulumi.Resource,
): gcp.serviceaccount.IAMMember {
  return new gcp.serviceaccount.IAMMember(
    name,
    { serviceAccountId: account.name, role: 'roles/iam.serviceAccountUser', member: agent.member },
    { parent },
  )
}
