import { CloudLog } from '../cloud-logging/log.ts'
import { refuse, refusePermission } from '../google-cloud/answers.ts'
import { type Answer, type Ask, type Served, serve } from '../serve.ts'
import { VertexFake } from '../vertex/vertex.ts'
import { CloudRunFake } from './cloud-run.ts'
import type { StartContainer } from './container.ts'
import { Faults } from './faults.ts'

export interface GoogleJobsOptions {
  readonly project: string
  readonly number?: string
  readonly region: string
  readonly start: StartContainer
}

export interface GoogleJobs extends Served {
  readonly run: CloudRunFake
  readonly vertex: VertexFake
  readonly log: CloudLog
  readonly faults: Faults
  /** Ways for requests to go wrong. @returns Google's words for it */
  breakNext(fault: 'answer lost' | 'busy' | 'away' | 'denied' | 'refused', times?: number): string
}

/** All requests that change something; those that ask Cloud Logging are POSTs too. */
const CHANGES = /^(POST(?!.*entries:list)|PATCH|DELETE) /

/** Where jobs of Google Cloud run: Cloud Run, Vertex AI, and Cloud Logging, each below its host's name. */
export async function googleJobs(options: GoogleJobsOptions): Promise<GoogleJobs> {
  const { project, region, number = '123456789012' } = options
  const log = new CloudLog(project)
  const run = new CloudRunFake({ ...options, log })
  const vertex = new VertexFake({ ...options, number, log })
  const faults = new Faults()

  const answerTo = (ask: Ask): Answer => {
    const [host = ''] = ask.parts
    if (host === 'run.googleapis.com') return run.answer(ask)
    if (host === 'logging.googleapis.com') return log.answer(ask)
    if (host.endsWith('-aiplatform.googleapis.com')) return vertex.answer(ask)
    return { status: 404, body: '<html>Not Found</html>' }
  }

  function breakNext(fault: Parameters<GoogleJobs['breakNext']>[0], times = 1): string {
    switch (fault) {
      case 'answer lost':
        faults.loseAnswer(CHANGES, times)
        return 'no answer'
      case 'busy': {
        const words =
          "Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute per region'"
        const answer = refuse(429, 'RESOURCE_EXHAUSTED', words, {
          reason: 'RATE_LIMIT_EXCEEDED',
          domain: 'googleapis.com',
        })
        faults.failNext(/./, { ...answer, headers: { ...answer.headers, 'retry-after': '7' } }, times)
        return words
      }
      case 'away':
        faults.failNext(/./, refuse(503, 'UNAVAILABLE', 'The service is currently unavailable.'), times)
        return 'currently unavailable'
      case 'denied': {
        const permission = 'example.jobs.create'
        faults.failNext(/./, refusePermission(permission, `projects/${project}/locations/${region}`), times)
        return permission
      }
      case 'refused':
        faults.failNext(CHANGES, refuse(400, 'INVALID_ARGUMENT', 'Request contains an invalid argument.'), times)
        return 'Request contains an invalid argument.'
    }
  }

  const served = await serve((ask) => faults.pass(ask, answerTo))
  return { ...served, run, vertex, log, faults, breakNext }
}
