import { answerAccounts } from './google-cloud/accounts.ts'
import { answerBuckets } from './google-cloud/buckets.ts'
import { answerKms } from './google-cloud/kms.ts'
import { Project, type ProjectOptions } from './google-cloud/project.ts'
import { serviceUsage } from './google-cloud/service-usage.ts'
import { type Answer, type Ask, type Served, serve } from './serve.ts'

/** What a fake of Google Cloud lets a test see and do that the real one does not. */
export interface GoogleCloudFake extends Served {
  readonly project: Project
  /** Requests that changed something, or would have: `POST cloudkms.googleapis.com/v1/…`. */
  readonly changes: readonly string[]
  /** Answers the next requests whose method and path match with this; nothing is done. */
  failNext(match: RegExp, answer: Answer, times?: number): void
  /** Does what the next request that matches asks for, and breaks the connection before the answer. */
  loseAnswer(match: RegExp): void
}

/**
 * Google Cloud's REST APIs, as far as a bootstrap needs them, with one project in it. The first part of a path is the
 * API that is meant: `/cloudkms.googleapis.com/v1/projects/…`.
 */
export async function fakeGoogleCloud(options: ProjectOptions): Promise<GoogleCloudFake> {
  const project = new Project(options)
  const services = serviceUsage(project)
  const changes: string[] = []
  const failing: { readonly match: RegExp; readonly answer: Answer }[] = []
  const losing: RegExp[] = []

  const handle = (ask: Ask): Answer => {
    const line = `${ask.method} ${ask.url.pathname.slice(1)}`
    if (ask.method !== 'GET') changes.push(line)
    const failed = take(failing, ({ match }) => match.test(line))
    if (failed) return failed.answer
    const answer = answerTo(ask)
    return take(losing, (match) => match.test(line)) ? { ...answer, breakAfter: 0 } : answer
  }

  const answerTo = (ask: Ask): Answer => {
    const [api = ''] = ask.parts
    const refused = services.refuseApi(api)
    if (refused) return refused
    if (api === 'serviceusage.googleapis.com') return services.answer(ask)
    if (api === 'storage.googleapis.com') return answerBuckets(project, ask)
    if (api === 'cloudkms.googleapis.com') return answerKms(project, ask)
    if (api === 'iam.googleapis.com') return answerAccounts(project, ask)
    return { status: 404, body: '<html>Not Found</html>' }
  }

  const served = await serve(handle)
  return {
    ...served,
    project,
    changes,
    failNext: (match, answer, times = 1) =>
      failing.push(...Array<(typeof failing)[number]>(times).fill({ match, answer })),
    loseAnswer: (match) => losing.push(match),
  }
}

/** Takes the first that fits out of a list. */
function take<T>(list: T[], fits: (each: T) => boolean): T | undefined {
  const index = list.findIndex(fits)
  return index < 0 ? undefined : list.splice(index, 1)[0]
}
