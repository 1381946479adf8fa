import { secret } from '@millrace/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readSecrets } from '../../images/runtime/read-secrets.ts'
import { type Answer, type Served, serve } from '../fakes/serve.ts'
import { mistakeOf } from '../platform/sdk/failure.ts'

const VERSION = 'projects/p/secrets/tide-token/versions/3'

let google: Served
let answers: Answer[]
let asked: string[]
beforeEach(async () => {
  answers = []
  asked = []
  google = await serve(({ method, url }) => {
    asked.push(`${method} ${url.pathname}`)
    return answers.shift() ?? { status: 404 }
  })
  process.env.MILLRACE_GOOGLE_ENDPOINT = google.endpoint
})
afterEach(async () => {
  delete process.env.MILLRACE_GOOGLE_ENDPOINT
  delete process.env.TIDE_TOKEN
  await google.close()
})

/** https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions/access */
const value = (text: string): Answer => ({
  status: 200,
  body: JSON.stringify({ name: VERSION, payload: { data: Buffer.from(text).toString('base64') } }),
})

describe('secrets', () => {
  it('are read in the versions that the process was told, and found by their name', async () => {
    answers.push(value('höhe 42'))
    await readSecrets({ 'tide-token': VERSION })
    expect(secret('tide-token')).toBe('höhe 42')
    expect(asked).toEqual([`GET /secretmanager.googleapis.com/v1/${VERSION}:access`])
  })

  it('are asked for again when the answer may be another soon', async () => {
    answers.push({ status: 503 }, { status: 429 }, value('in the end'))
    await readSecrets({ 'tide-token': VERSION })
    expect(process.env.TIDE_TOKEN).toBe('in the end')
  })

  it.each([
    [403, 'Its account needs the role Secret Manager Secret Accessor on this secret.'],
    [404, 'There is no such version: look at "millrace secrets list".'],
  ])('are missed in one line when the answer is %i', async (status, hint) => {
    answers.push({ status })
    expect(await mistakeOf(() => readSecrets({ 'tide-token': VERSION }))).toMatch(
      new RegExp(`^secret tide-token: cannot read ${VERSION}: Secret Manager answers ${status}.*\n${hint}$`),
    )
    expect(asked).toHaveLength(1)
  })

  it('are not asked for where there are none', async () => {
    await readSecrets({})
    expect(asked).toEqual([])
  })
})
