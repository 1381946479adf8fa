import type { Answer, Ask } from '../serve.ts'
import { bodyOf, type Json, json, refuse, refusePermission } from './answers.ts'
import type { Project } from './project.ts'

const MOST_AT_ONCE = 20
/** As gRPC numbers it. */
const FAILED_PRECONDITION = 9

/**
 * Service Usage, v1 and v1beta1, with its operations: https://cloud.google.com/service-usage/docs/reference/rest.
 * An API that was switched on does not answer at once.
 */
export function serviceUsage(project: Project): {
  answer(ask: Ask): Answer
  /** What a call of an API gets that is off, or not on for long enough. */
  refuseApi(api: string): Answer | undefined
} {
  const { number, on } = project
  const { apiAnswersAfter = 0, operationTakes = 1, withoutBilling } = project.options
  const silent = new Map<string, number>()
  const operations = new Map<string, { left: number; readonly outcome: Json }>()

  function answer(ask: Ask): Answer {
    const path = ask.parts.slice(1).join('/')
    const [, operation] = /^v1(?:beta1)?\/(operations\/.+)$/.exec(path) ?? []
    if (operation !== undefined) return poll(operation)
    const [, id, rest = ''] = /^v1(?:beta1)?\/projects\/([^/]+)\/services(.*)$/.exec(path) ?? []
    if (id !== project.id) return noProject(id)
    if (rest === ':batchGet') {
      if (project.lacks('serviceusage.services.get')) return refusePermission('serviceusage.services.get', id)
      return json({ services: ask.url.searchParams.getAll('names').map(serviceOf) })
    }
    if (rest.endsWith(':generateServiceIdentity'))
      return begin({ response: { email: proxyOf(project), uniqueId: '1' } })
    const [, one] = /^\/(.+):enable$/.exec(rest) ?? []
    return enable(one === undefined ? (bodyOf(ask).serviceIds as string[]) : [one])
  }

  function noProject(id: string | undefined): Answer {
    return refuse(403, 'PERMISSION_DENIED', `Project '${id}' not found or permission denied.`, {
      reason: 'CONSUMER_INVALID',
      domain: 'googleapis.com',
      metadata: { consumer: `projects/${id}` },
    })
  }

  function serviceOf(name: string): Json {
    const service = name.split('/').at(-1) ?? ''
    const parent = `projects/${number}`
    return { name: `${parent}/services/${service}`, parent, state: on.has(service) ? 'ENABLED' : 'DISABLED' }
  }

  function enable(ids: readonly string[]): Answer {
    if (project.lacks('serviceusage.services.enable')) {
      // This one does not say which permission it is.
      return refuse(403, 'PERMISSION_DENIED', `Permission denied to enable service [${ids[0]}]`, {
        reason: 'AUTH_PERMISSION_DENIED',
        domain: 'googleapis.com',
      })
    }
    if (ids.length > MOST_AT_ONCE) {
      return refuse(400, 'INVALID_ARGUMENT', `Request contains more than ${MOST_AT_ONCE} services.`)
    }
    if (withoutBilling) return noBilling(ids)
    for (const id of ids) {
      if (!on.has(id)) silent.set(id, apiAnswersAfter)
      on.add(id)
    }
    return begin({ response: { services: ids.map(serviceOf) } })
  }

  function noBilling(ids: readonly string[]): Answer {
    const message = `Billing account for project '${number}' is not found.`
    const info = {
      reason: 'UREQ_PROJECT_BILLING_NOT_FOUND',
      domain: 'serviceusage.googleapis.com/billing-enabled',
      metadata: { project: number, services: ids.join(',') },
    }
    if (withoutBilling === 'at once') return refuse(400, 'FAILED_PRECONDITION', message, info)
    return begin({ error: { code: FAILED_PRECONDITION, message, details: [info] } })
  }

  /** @param outcome `{ response }` or `{ error }`, as the operation has it when it is done */
  function begin(outcome: Json): Answer {
    const name = `operations/acat.p2-${number}-${operations.size + 1}`
    operations.set(name, { left: operationTakes, outcome })
    return json({ name })
  }

  function poll(name: string): Answer {
    const found = operations.get(name)
    if (!found) return refuse(404, 'NOT_FOUND', `Operation ${name} not found.`)
    return json(--found.left > 0 ? { name } : { name, done: true, ...found.outcome })
  }

  function refuseApi(api: string): Answer | undefined {
    const left = silent.get(api) ?? 0
    if (on.has(api) && left === 0) return undefined
    if (left > 0) silent.set(api, left - 1)
    const message = `${api} has not been used in project ${number} before or it is disabled.`
    return refuse(403, 'PERMISSION_DENIED', message, {
      reason: 'SERVICE_DISABLED',
      domain: 'googleapis.com',
      metadata: { service: api, consumer: `projects/${number}` },
    })
  }

  return { answer, refuseApi }
}

/** The account as which Identity-Aware Proxy acts in a project. */
export const proxyOf = ({ number }: Project): string => `service-${number}@gcp-sa-iap.iam.gserviceaccount.com`
