import type { Fault, Levers } from '../../platform/agents/stage.ts'
import { answerOf, type KubernetesFake, type Trouble } from './api-server.ts'
import { forbidden, Refusal } from './refusal.ts'

const TOO_MANY = 'the server has received too many requests and has asked us to try again later'
const AWAY = 'etcdserver: leader changed'
const REFUSED = 'admission webhook "rules.example.org" denied the request: no jobs on Fridays'
const USER = 'system:serviceaccount:millrace:agent-gke'

/** Requests that go wrong, for the stage of the launchers' suite. */
export function faultsOf(fake: KubernetesFake): Required<Pick<Levers, 'breakNext' | 'cutAfter' | 'mend'>> {
  return {
    breakNext(fault, times = 1) {
      // The right to create is asked for once in a launch that does without it.
      let left = fault === 'denied' ? 1 : times
      fake.trouble = (verb, resource) => {
        if (left === 0 || !meets(fault, verb)) return undefined
        left--
        return troubleOf(verb, resource)[fault]
      }
      const denied = 'cannot create resource "jobs"'
      return { 'answer lost': '', busy: TOO_MANY, away: AWAY, denied, refused: REFUSED }[fault]
    },
    cutAfter(requests) {
      let left = requests
      fake.trouble = () => (left-- > 0 ? undefined : left === -1 ? 'answer lost' : 'connection lost')
    },
    mend() {
      fake.trouble = undefined
    },
  }
}

/** What is denied is the right that the words name. */
function meets(fault: Fault, verb: string): boolean {
  if (fault === 'busy' || fault === 'away') return true
  return fault === 'denied' ? verb === 'create' : verb !== 'get' && verb !== 'list'
}

function troubleOf(verb: string, resource: string) {
  const group = resource === 'jobs' ? 'batch' : ''
  return {
    'answer lost': 'answer lost',
    busy: answerOf(new Refusal(429, 'TooManyRequests', TOO_MANY, { retryAfterSeconds: 7 }), { 'retry-after': '7' }),
    away: answerOf(new Refusal(503, 'ServiceUnavailable', AWAY)),
    denied: answerOf(forbidden(USER, verb, group, resource, 'millrace')),
    refused: answerOf(new Refusal(400, 'BadRequest', REFUSED)),
  } satisfies Record<string, Trouble>
}
