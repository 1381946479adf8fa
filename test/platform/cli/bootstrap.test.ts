import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { bootstrap } from '../../../platform/cli/commands/bootstrap.ts'
import { command, type Ended } from '../../e2e/command.ts'
import { fakeGoogleCloud, type GoogleCloudFake } from '../../fakes/google-cloud.ts'

const ROOT = join(import.meta.dirname, '../../..')
const OPTIONS = { project: 'example-dev', region: 'europe-west1', stack: 'dev' }
const LINE = 'millrace bootstrap --project example-dev --region europe-west1 --stack dev'

let cloud: GoogleCloudFake
beforeEach(async () => {
  cloud = await fakeGoogleCloud({ project: 'example-dev' })
})
afterEach(() => cloud.close())

const run = (options: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  command(`${LINE} ${options}`, ROOT, { MILLRACE_GOOGLE_ENDPOINT: cloud.endpoint, ...env })

describe('millrace bootstrap', () => {
  it('says in a dry run what it would do, and does nothing', async () => {
    const { code, out } = await run('--dry-run')
    expect(code).toBe(0)
    expect(out).toMatch(/^The stack dev, in the project example-dev, region europe-west1\.\n/)
    expect(out).toMatch(/^There already:\n {2}1 of 19 APIs, switched on\n$/m)
    expect(out).toMatch(
      /^To do:\n {2}1\. switch on 18 APIs: .*\n {2}2\. make the bucket gs:\/\/example-dev-pulumi-state /m,
    )
    expect(out).toMatch(/^Dry run: nothing was done\.\n$/m)
    expect(cloud.changes).toEqual([])
  })

  it('says what it does, does it, and says how to go on', async () => {
    const { code, out } = await run('--yes')
    expect(code).toBe(0)
    const [toDo = '', rest = ''] = out.split(/To do:\n/)[1]?.split('\n\n') ?? []
    const planned = toDo.split('\n').map((line) => line.replace(/^ +\d+\. /, ''))
    const done = rest.split('\n').map((line) => line.replace(/^ok +/, ''))
    expect(done).toEqual(planned)
    expect(out).toContain('  npm run pulumi -- login gs://example-dev-pulumi-state\n')
    expect(out).toContain(
      '  npm run pulumi -- stack init dev --secrets-provider gcpkms://projects/example-dev/locations/europe-west1/keyRings/pulumi/cryptoKeys/state\n',
    )
    expect(out).toContain('PULUMI_BACKEND_URL: gs://example-dev-pulumi-state\n')
    expect([...cloud.project.buckets.keys()]).toEqual(['example-dev-pulumi-state'])
  })

  it('keeps the state in the bucket that it is told', async () => {
    await run('--yes --bucket ada-state')
    expect([...cloud.project.buckets.keys()]).toEqual(['ada-state'])
  })

  it('does nothing where it can ask nobody', async () => {
    const { code, out, err } = await run('')
    expect(code).toBe(2)
    expect(out).toContain('To do:')
    expect(err).toContain('bootstrap asks before it does anything, and there is nobody here to ask')
    expect(err).toContain('Add --yes to do it without asking')
    expect(cloud.changes).toEqual([])
  })

  it('says in one line what it could not do, and that the rest stays', async () => {
    await cloud.close()
    cloud = await fakeGoogleCloud({ project: 'example-dev', denied: ['cloudkms.keyRings.create'] })
    const { code, err } = await run('--yes')
    expect(code).toBe(2)
    const [message, ...hints] = err.trim().split('\n')
    expect(message).toBe(
      'millrace: cannot make the key ring projects/example-dev/locations/europe-west1/keyRings/pulumi: you lack the permission cloudkms.keyRings.create in the project example-dev',
    )
    expect(hints.at(-1)).toBe('  What was done before it stays; run this again afterwards.')
    expect([...cloud.project.buckets.keys()]).toEqual(['example-dev-pulumi-state'])
  })

  it.each([
    ['millrace bootstrap --region europe-west1 --stack dev', "required option '--project <id>' not specified"],
    ['millrace bootstrap --project x --region europe-west1 --stack dev', '--project: expected the id of a project'],
  ])('refuses: %s', async (line, message) => {
    const { code, err } = await command(line, ROOT, { MILLRACE_GOOGLE_ENDPOINT: cloud.endpoint })
    expect(code).toBe(2)
    expect(err).toContain(message)
  })
})

describe('with nobody logged in to Google', () => {
  let home: string
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'millrace-home-'))
  })
  afterEach(() => rmSync(home, { recursive: true }))

  it('says how to log in', async () => {
    const nowhere = {
      HOME: home,
      CLOUDSDK_CONFIG: home,
      GOOGLE_APPLICATION_CREDENTIALS: '',
      METADATA_SERVER_DETECTION: 'none',
    }
    const { code, err } = await command(`${LINE} --dry-run`, ROOT, nowhere)
    expect(code).toBe(2)
    expect(err).toBe(
      'millrace: there are no Google credentials on this machine\n  Log in: gcloud auth application-default login\n',
    )
  })

  it('says so of a login that is of no use', async () => {
    const file = join(home, 'key.json')
    writeFileSync(file, JSON.stringify({ type: 'no such type' }))
    const { code, err } = await command(`${LINE} --dry-run`, ROOT, { GOOGLE_APPLICATION_CREDENTIALS: file })
    expect(code).toBe(2)
    expect(err).toMatch(/^millrace: Google does not take the credentials of this machine: .+\n {2}Log in: /)
  })
})

describe('asking', () => {
  /** A terminal at which somebody types. */
  async function at(typed: string | null): Promise<{ outcome: unknown; screen: string }> {
    vi.stubEnv('MILLRACE_GOOGLE_ENDPOINT', cloud.endpoint)
    const input = Object.assign(new PassThrough(), { isTTY: true })
    const output = new PassThrough()
    const going = bootstrap(OPTIONS, { input, output }).catch((error: unknown) => error)
    let screen = ''
    for await (const piece of output) {
      screen += String(piece)
      if (screen.endsWith('[y/N] ')) break
    }
    expect(cloud.changes).toEqual([])
    if (typed === null) input.end()
    else input.write(`${typed}\n`)
    return { outcome: await going, screen }
  }
  afterEach(() => vi.unstubAllEnvs())

  it.each(['y', 'yes', 'Y'])('does it on "%s", having said what', async (typed) => {
    const { outcome, screen } = await at(typed)
    expect(outcome).toBeUndefined()
    expect(screen).toContain('make the bucket gs://example-dev-pulumi-state')
    expect(cloud.project.buckets.size).toBe(1)
  })

  it.each(['', 'n', 'no', 'yikes', null])('does nothing on "%s"', async (typed) => {
    const { outcome } = await at(typed)
    expect(outcome).toMatchObject({ name: 'CancelledError', message: 'nothing was done' })
    expect(cloud.changes).toEqual([])
  })
})
