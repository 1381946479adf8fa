import type { Google } from './google.ts'
import type { BootstrapPlace } from './place.ts'
import { isApiOff, isStatus } from './refusal.ts'
import type { Look, Step } from './step.ts'

/** Who deploys from GitHub, and what it may do where Pulumi's state is. */
export interface Deployer {
  readonly accountId: string
  readonly displayName: string
  description(stack: string): string
  readonly bucketRole: string
  readonly keyRole: string
}

/**
 * The two identities of workflows. The program has them too, with all else that they may do, and takes over what it
 * finds: made here, they can be let to the state before there is a state. Names and words are the program's.
 */
export const DEPLOYERS: readonly Deployer[] = [
  {
    accountId: 'github-apply',
    displayName: 'GitHub: apply',
    description: (stack) => `Applies the stack ${stack} from GitHub`,
    bucketRole: 'roles/storage.objectUser',
    keyRole: 'roles/cloudkms.cryptoKeyEncrypterDecrypter',
  },
  {
    accountId: 'github-preview',
    displayName: 'GitHub: preview',
    description: () => 'Plans pull requests on GitHub; can only look',
    bucketRole: 'roles/storage.objectViewer',
    // A plan compares with the state, and what is secret in it can only be compared when it is decrypted.
    keyRole: 'roles/cloudkms.cryptoKeyDecrypter',
  },
]

/** The address of a deployer in a project. */
export const emailOf = ({ accountId }: Deployer, { project }: BootstrapPlace): string =>
  `${accountId}@${project}.iam.gserviceaccount.com`

/** The accounts of the deployers. */
export async function lookAtDeployers(google: Google, place: BootstrapPlace): Promise<Look> {
  const found = await Promise.all(
    DEPLOYERS.map(async (deployer) => ({ deployer, isThere: await isThere(google, place, deployer) })),
  )
  return {
    there: found.flatMap(({ deployer, isThere }) => (isThere ? [`the account ${emailOf(deployer, place)}`] : [])),
    steps: found.flatMap(({ deployer, isThere }) => (isThere ? [] : [makeAccount(google, place, deployer)])),
  }
}

async function isThere(google: Google, place: BootstrapPlace, deployer: Deployer): Promise<boolean> {
  const email = emailOf(deployer, place)
  try {
    await google.ask({
      api: 'iam',
      path: `/v1/projects/${place.project}/serviceAccounts/${email}`,
      what: `look at the account ${email}`,
      permission: 'iam.serviceAccounts.get',
    })
    return true
  } catch (error) {
    // With the API off there is no account either.
    if (isStatus(error, 404) || isApiOff(error)) return false
    throw error
  }
}

function makeAccount(google: Google, place: BootstrapPlace, deployer: Deployer): Step {
  const { accountId, displayName, description } = deployer
  const what = `make the account ${emailOf(deployer, place)}`
  return {
    what,
    async run() {
      try {
        await google.askPatiently({
          api: 'iam',
          method: 'POST',
          path: `/v1/projects/${place.project}/serviceAccounts`,
          body: { accountId, serviceAccount: { displayName, description: description(place.stack) } },
          what,
          permission: 'iam.serviceAccounts.create',
        })
      } catch (error) {
        // Made by a try whose answer was lost.
        if (!isStatus(error, 409)) throw error
      }
    },
  }
}
