import * as gcp from '@pulumi/gcp'
import * as pulumi from '@pulumi/pulumi'
import * as random from '@pulumi/random'
import type { GithubConfig } from '../config.ts'
import type { Place } from '../place.ts'
import { APPLY_ROLES, GRANTABLE_ROLES, PREVIEW_ROLES } from './github-roles.ts'
import type { ProjectServices } from './project-services.ts'

const ISSUER = 'https://token.actions.githubusercontent.com'

export interface GithubDeployIdentityArgs {
  readonly place: Place
  readonly services: ProjectServices
  readonly config: GithubConfig
}

/**
 * How workflows on GitHub become somebody here, without a key: GitHub signs what a job is, and this pool believes it for
 * one repository, named by number, since names can be taken over.
 *
 * Two identities: `apply` for jobs of the stack's GitHub environment that run on the main branch or a release tag, and
 * `preview` for pull requests and for looking at what drifted, which can look at everything but secrets' values, and
 * change nothing.
 */
export class GithubDeployIdentity extends pulumi.ComponentResource {
  /** Applies the stack. */
  readonly apply: gcp.serviceaccount.Account
  /** Plans pull requests. */
  readonly preview: gcp.serviceaccount.Account
  /** What to set as variables of the repository's GitHub environment. */
  readonly variables: pulumi.Output<Record<string, string>>

  constructor(name: string, args: GithubDeployIdentityArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:GithubDeployIdentity', name, {}, opts)
    const { place, services, config } = args
    const { project } = place
    const under = { parent: this, dependsOn: services.of('iam', 'iamcredentials', 'sts') }

    const pool = makePool()
    const provider = makeProvider(pool)
    this.apply = makeIdentity('apply', `Applies the stack ${place.stack} from GitHub`)
    this.preview = makeIdentity('preview', 'Plans pull requests on GitHub; can only look')
    federate(this.apply, pool, 'apply')
    federate(this.preview, pool, 'preview')
    grantApply(this.apply)
    grantPreview(this.preview)
    this.variables = pulumi.all([provider.name, this.apply.email, this.preview.email]).apply(
      ([providerName, apply, preview]): Record<string, string> => ({
        GCP_PROJECT: project,
        GCP_REGION: place.region,
        GCP_WORKLOAD_IDENTITY_PROVIDER: providerName,
        GCP_APPLY_SERVICE_ACCOUNT: apply,
        GCP_PREVIEW_SERVICE_ACCOUNT: preview,
        PULUMI_STACK: place.stack,
      }),
    )
    this.registerOutputs({ variables: this.variables })

    function makePool() {
      // Google keeps the name of a deleted pool for 30 days: with a part by chance, a stack that was destroyed can be
      // made again at once.
      const suffix = new random.RandomId('pool-suffix', { byteLength: 3 }, { parent: under.parent })
      return new gcp.iam.WorkloadIdentityPool(
        'pool',
        {
          project,
          workloadIdentityPoolId: pulumi.interpolate`github-${suffix.hex}`,
          displayName: 'GitHub Actions',
          description: `Workflows of ${config.repository}`,
        },
        under,
      )
    }

    function makeProvider(pool: gcp.iam.WorkloadIdentityPool) {
      return new gcp.iam.WorkloadIdentityPoolProvider(
        'provider',
        {
          project,
          workloadIdentityPoolId: pool.workloadIdentityPoolId,
          workloadIdentityPoolProviderId: 'github',
          displayName: 'GitHub Actions',
          oidc: { issuerUri: ISSUER },
          attributeMapping: {
            'google.subject': 'assertion.sub',
            'attribute.repository_id': 'assertion.repository_id',
            'attribute.ref': 'assertion.ref',
            'attribute.may': whatItMay(config),
          },
          attributeCondition: `assertion.repository_id == "${config.repositoryId}" && assertion.repository_owner_id == "${config.ownerId}"`,
        },
        under,
      )
    }

    function makeIdentity(what: 'apply' | 'preview', description: string) {
      return new gcp.serviceaccount.Account(
        what,
        {
          project,
          accountId: `github-${what}`,
          displayName: `GitHub: ${what}`,
          description,
          // An account whose making was not answered is found again, not an error.
          createIgnoreAlreadyExists: true,
        },
        under,
      )
    }

    function federate(account: gcp.serviceaccount.Account, pool: gcp.iam.WorkloadIdentityPool, may: string) {
      return new gcp.serviceaccount.IAMMember(
        `${may}-federation`,
        {
          serviceAccountId: account.name,
          role: 'roles/iam.workloadIdentityUser',
          member: pulumi.interpolate`principalSet://iam.googleapis.com/${pool.name}/attribute.may/${may}`,
        },
        under,
      )
    }

    function grantApply({ member }: gcp.serviceaccount.Account) {
      for (const role of APPLY_ROLES) {
        new gcp.projects.IAMMember(`apply-${role}`, { project, role: `roles/${role}`, member }, under)
      }
      // It grants roles to what it makes, but only those that the program uses: it cannot make itself an owner.
      new gcp.projects.IAMMember(
        'apply-grants',
        {
          project,
          role: 'roles/resourcemanager.projectIamAdmin',
          member,
          condition: { title: 'only roles of the program', expression: onlyRoles(project) },
        },
        under,
      )
    }

    function grantPreview({ member }: gcp.serviceaccount.Account) {
      for (const role of PREVIEW_ROLES) {
        new gcp.projects.IAMMember(`preview-${role}`, { project, role: `roles/${role}`, member }, under)
      }
    }
  }
}

/**
 * What a job may, as one word (Common Expression Language over GitHub's token): `apply` in the stack's environment on the
 * main branch or a release tag; `preview` there without the environment (the nightly look for drift) and for a pull
 * request, whatever it says of itself; `nothing` else. One word, since a binding can ask for one attribute only. The claim
 * `environment` is there only in jobs that name one.
 */
function whatItMay({ environment, branch, tagPrefix }: GithubConfig): string {
  const inEnvironment = `("environment" in assertion) && assertion.environment == "${environment}"`
  const onRef = `(assertion.ref == "refs/heads/${branch}" || assertion.ref.startsWith("refs/tags/${tagPrefix}"))`
  const elsewhere = `${onRef} ? (${inEnvironment} ? "apply" : "preview") : "nothing"`
  return `assertion.event_name == "pull_request" ? "preview" : (${elsewhere})`
}

function onlyRoles(project: string): string {
  const roles = GRANTABLE_ROLES(project).map((role) => `"${role}"`)
  return `api.getAttribute("iam.googleapis.com/modifiedGrantsByRole", []).hasOnly([${roles.join(', ')}])`
}
