import * as gcp from '@pulumi/gcp'
import type * as pulumi from '@pulumi/pulumi'
import { accountId } from './account-id.ts'
import type { Foundation } from './foundation.ts'

export interface IdentityArgs {
  /** `agent`, `worker`, `flow`, `console`: what its id begins with. */
  readonly kind: string
  /** Which of its kind it is; left out where there is one. */
  readonly name?: string
  readonly description: string
  /** Secrets whose values it reads. */
  readonly secrets: readonly string[]
  /** Whether it brings the schema of the database up to date. */
  readonly ownsSchema?: boolean
}

/** Who a process is: a service account of its own, that can log in to the database and read its secrets. */
export interface Identity {
  readonly account: gcp.serviceaccount.Account
  readonly member: pulumi.Output<string>
  /** What must exist before a process that is it can start. */
  readonly grants: readonly pulumi.Resource[]
}

/** Makes the identity of a process. */
export function makeIdentity(
  { place, services, database, secrets, deployer }: Foundation,
  args: IdentityArgs,
  parent: pulumi.Resource,
): Identity {
  const id = accountId(args.kind, args.name)
  const account = new gcp.serviceaccount.Account(
    id,
    {
      project: place.project,
      accountId: id,
      displayName: `Millrace: ${args.kind}${args.name ? ` ${args.name}` : ''}`,
      description: args.description,
      // An account whose making was not answered is found again, not an error.
      createIgnoreAlreadyExists: true,
    },
    { parent, dependsOn: services.of('iam') },
  )
  const { member } = account
  const grants = [
    ...letDeploy(id, deployer, account, parent),
    ...database.admit({ name: id, account, ownsSchema: args.ownsSchema ?? false }, parent),
    ...secrets.grant({ name: id, member, secrets: args.secrets }, parent),
  ]
  return { account, member, grants }
}

/**
 * Lets whoever applies the stack from GitHub start processes as an account: for each by itself, since in the project it
 * would hold for accounts that may do far more than ours.
 */
export function letDeploy(
  name: string,
  deployer: pulumi.Output<string> | undefined,
  account: gcp.serviceaccount.Account,
  parent: pulumi.Resource,
): pulumi.Resource[] {
  if (!deployer) return []
  const grant = { serviceAccountId: account.name, role: 'roles/iam.serviceAccountUser', member: deployer }
  return [new gcp.serviceaccount.IAMMember(`${name}-deployed`, grant, { parent })]
}
