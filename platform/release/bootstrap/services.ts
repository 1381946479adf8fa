import { BOOTSTRAP_APIS, fullName } from './apis.ts'
import type { Google } from './google.ts'
import type { BootstrapPlace } from './place.ts'
import type { Look, Step } from './step.ts'

/** The most that one call switches on. */
const BATCH = 20
const ENABLE = 'serviceusage.services.enable'

interface Service {
  /** `projects/NUMBER/services/NAME` */
  readonly name: string
  readonly state?: 'ENABLED' | 'DISABLED'
}

/** The APIs, all at once: one that was just switched on takes minutes to answer. */
export async function lookAtServices(google: Google, place: BootstrapPlace): Promise<Look & { number: string }> {
  const parent = `projects/${place.project}`
  const { services = [] } = await google.ask<{ services?: Service[] }>({
    api: 'serviceusage',
    path: `/v1/${parent}/services:batchGet`,
    query: { names: BOOTSTRAP_APIS.map((api) => `${parent}/services/${fullName(api)}`) },
    what: `see which APIs of ${place.project} are on`,
    permission: 'serviceusage.services.get',
  })
  const on = new Set(services.flatMap(({ name, state }) => (state === 'ENABLED' ? [lastPart(name)] : [])))
  const off = BOOTSTRAP_APIS.filter((api) => !on.has(fullName(api)))
  return {
    there: on.size > 0 ? [`${on.size} of ${BOOTSTRAP_APIS.length} APIs, switched on`] : [],
    steps: off.length > 0 ? [switchOn(google, place, off)] : [],
    number: services[0]?.name.split('/')[1] ?? '',
  }
}

function switchOn(google: Google, { project }: BootstrapPlace, apis: readonly string[]): Step {
  const what = `switch on ${apis.length === 1 ? 'the API' : `${apis.length} APIs:`} ${apis.join(', ')}`
  const at = { api: 'serviceusage', method: 'POST', what: 'switch on APIs', permission: ENABLE } as const
  return {
    what,
    async run() {
      for (let from = 0; from < apis.length; from += BATCH) {
        const batch = apis.slice(from, from + BATCH).map(fullName)
        const [one] = batch
        // The call for several refuses to be asked for one.
        if (batch.length === 1) await google.finish({ ...at, path: `/v1/projects/${project}/services/${one}:enable` })
        else {
          const path = `/v1/projects/${project}/services:batchEnable`
          await google.finish({ ...at, path, body: { serviceIds: batch } })
        }
      }
    },
  }
}

/**
 * The account as which Identity-Aware Proxy calls the console. Google makes it when asked to, and says nothing about
 * whether it is there; asking again changes nothing.
 */
export function proxyAccount(google: Google, { project }: BootstrapPlace): Step {
  const what = 'have Google make the account of Identity-Aware Proxy, where it is not there yet'
  return {
    what,
    async run() {
      await google.finish({
        api: 'serviceusage',
        method: 'POST',
        path: `/v1beta1/projects/${project}/services/${fullName('iap')}:generateServiceIdentity`,
        what,
        permission: ENABLE,
      })
    },
  }
}

const lastPart = (name: string): string => name.split('/').at(-1) ?? ''
