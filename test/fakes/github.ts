import { type Answer, type Ask, type Served, serve } from './serve.ts'

export interface Pull {
  readonly number: number
  /** `ada:feature` */
  readonly head: string
  readonly sha: string
  readonly state: 'open' | 'closed'
}

export interface Comment {
  readonly id: number
  readonly issue: number
  readonly by: string
  body: string
}

export interface Issue {
  readonly number: number
  readonly by: string
  title: string
  body: string
  state: 'open' | 'closed'
}

/** What a fake of GitHub lets a test see that the real one does not show. */
export interface GithubFake extends Served {
  readonly pulls: Pull[]
  readonly comments: Comment[]
  readonly issues: Issue[]
  /** Requests that changed something: `POST /issues/7/comments`. */
  readonly changes: readonly string[]
}

export const REPOSITORY = 'example/millrace'
export const TOKEN = 'ghs_test'
const BOT = 'github-actions[bot]'
/** Longest body that GitHub takes, in characters. */
const LONGEST = 65_536

/**
 * GitHub's REST API, as far as workflows here need it: pull requests by head, comments, issues
 * (https://docs.github.com/en/rest). What is written, is written by the account of workflows.
 */
export async function fakeGithub(): Promise<GithubFake> {
  const pulls: Pull[] = []
  const comments: Comment[] = []
  const issues: Issue[] = []
  const changes: string[] = []

  const handle = (ask: Ask): Answer => {
    if (ask.headers.authorization !== `Bearer ${TOKEN}`) return json({ message: 'Bad credentials' }, 401)
    const path = ask.url.pathname.replace(`/repos/${REPOSITORY}`, '')
    if (ask.method !== 'GET') changes.push(`${ask.method} ${path}`)
    const body = ask.body.length > 0 ? (JSON.parse(ask.body.toString()) as Partial<Issue>) : {}
    if ((body.body?.length ?? 0) > LONGEST) return json({ message: 'Validation Failed' }, 422)
    const [, number] = /^\/issues\/(\d+)(?:\/comments)?$/.exec(path) ?? []
    const [, comment] = /^\/issues\/comments\/(\d+)$/.exec(path) ?? []
    if (ask.method === 'GET') return read(ask.url.searchParams, path, Number(number))
    if (comment !== undefined)
      return update(
        comments.find(({ id }) => id === Number(comment)),
        body,
      )
    if (path.endsWith('/comments')) {
      comments.push({ id: comments.length + 1, issue: Number(number), by: BOT, body: body.body ?? '' })
      return json({}, 201)
    }
    if (number !== undefined)
      return update(
        issues.find((issue) => issue.number === Number(number)),
        body,
      )
    const { title = '', body: text = '' } = body
    issues.push({ number: issues.length + 1, by: BOT, title, body: text, state: 'open' })
    return json({}, 201)
  }

  const read = (query: URLSearchParams, path: string, number: number): Answer => {
    if (path === '/pulls') {
      const found = pulls.filter(({ head, state }) => head === query.get('head') && state === query.get('state'))
      return json(found.map(({ number, sha }) => ({ number, head: { sha } })))
    }
    if (path === '/issues') {
      const found = issues.filter(({ by, state }) => by === query.get('creator') && state === query.get('state'))
      return json(page(found.map(shown), query))
    }
    return json(page(comments.filter(({ issue }) => issue === number).map(shown), query))
  }

  return { ...(await serve(handle)), pulls, comments, issues, changes }
}

function update(found: Comment | Issue | undefined, changed: Partial<Issue>): Answer {
  if (!found) return json({ message: 'Not Found' }, 404)
  Object.assign(found, changed)
  return json({})
}

function shown<T extends Comment | Issue>({ by, ...rest }: T): object {
  return { ...rest, user: { login: by } }
}

function page<T>(items: readonly T[], query: URLSearchParams): readonly T[] {
  const size = Number(query.get('per_page') ?? 30)
  const from = (Number(query.get('page') ?? 1) - 1) * size
  return items.slice(from, from + size)
}

function json(body: unknown, status = 200): Answer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}
