import { UserError } from '@millrace/sdk'
import { lookAtBucket } from './bucket.ts'
import { lookAtDeployers } from './deployers.ts'
import type { Google } from './google.ts'
import { lookAtGrants } from './grants.ts'
import { lookAtKey } from './key.ts'
import type { BootstrapPlace } from './place.ts'
import { lookAtServices, proxyAccount } from './services.ts'
import type { Look } from './step.ts'

export { STACK_APIS, type StackApi } from './apis.ts'
export { applicationDefault } from './credentials.ts'
export { type Google, google } from './google.ts'
export { type BootstrapPlace, backendUrl, nextCommands, stateBucket } from './place.ts'
export type { Look, Step } from './step.ts'

/**
 * What must be there before a stack can be applied: the APIs, where Pulumi keeps its state and what encrypts it, and
 * who deploys from GitHub. Looks at what is there, and changes nothing; the steps do, in their order. With nothing
 * missing there is one step, which Google can only be asked to do.
 * @param now milliseconds since 1970
 * @throws UserError when something cannot be looked at, or is there but of no use
 */
export async function planBootstrap(google: Google, place: BootstrapPlace, now = Date.now()): Promise<Look> {
  const { number, ...services } = await lookAtServices(google, place)
  const looks = [
    services,
    await lookAtBucket(google, place, number),
    await lookAtKey(google, place, now),
    await lookAtDeployers(google, place),
    await lookAtGrants(google, place),
  ]
  return {
    there: looks.flatMap(({ there }) => there),
    steps: [...looks.flatMap(({ steps }) => steps), proxyAccount(google, place)],
  }
}

const PLACE = {
  project: [/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, 'the id of a project such as "example-millrace-dev"'],
  region: [/^[a-z]+-[a-z]+\d+$/, 'a region such as "europe-west1"'],
  stack: [/^[a-z][a-z0-9-]{0,29}$/, 'the name of a stack such as "dev"'],
  bucket: [/^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$/, 'the name of a bucket such as "example-pulumi-state"'],
} as const satisfies Record<keyof BootstrapPlace, readonly [RegExp, string]>

/** Checks a place that a person gave, by option. @throws UserError naming the option */
export function checkPlace(place: BootstrapPlace): BootstrapPlace {
  for (const key of ['project', 'region', 'stack', 'bucket'] as const) {
    const [pattern, what] = PLACE[key]
    if (!pattern.test(place[key])) throw new UserError(`--${key}: expected ${what}, got "${place[key]}"`)
  }
  return place
}
