import { symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pauseSchedule, releasePath, UP_PATH, upText } from '@millrace/release'
import { type Store, store } from '@millrace/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeRelease } from '../../../platform/release/records/read-releases.ts'
import { command, type Ended } from '../../e2e/command.ts'
import { fakeSecretManager, type VersionState } from '../../fakes/secret-manager.ts'
import { flowModule } from '../release/project.ts'
import { makeRepositories, type Repository } from '../release/records/repository.ts'
import { image, local, releaseOf } from '../release/records/sample.ts'

const MODULES = resolve(import.meta.dirname, '../../../node_modules')
const ID = /20\d{6}T\d{6}Z-[0-9a-f]{8}/g
const CLEAN = {
  MILLRACE_STACK: undefined,
  MILLRACE_RELEASES: undefined,
  MILLRACE_BUNDLES: undefined,
  GITHUB_ACTOR: undefined,
}

let repositories: ReturnType<typeof makeRepositories>
let project: Repository
const millrace = (line: string, env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  command(`millrace ${line}`, project.folder, { ...CLEAN, ...env })

async function works(line: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { code, out, err } = await millrace(line, env)
  expect([code, err]).toEqual([0, ''])
  return out
}

async function refused(line: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { code, out, err } = await millrace(line, env)
  expect([code, out]).toEqual([2, ''])
  expect(err).toMatch(/^(millrace|error): .+\n/)
  return err
}

function makeCheckout(): void {
  repositories = makeRepositories()
  project = repositories.clone('ada')
  symlinkSync(MODULES, join(project.folder, 'node_modules'))
  project.git('switch', '--quiet', '--create', 'main')
  project.write('package.json', '{ "type": "module" }\n')
  project.write('.gitignore', 'node_modules\n.millrace/\n')
  project.write('flows/rain/flow.ts', flowModule('rain'))
  project.commit('flows/hello/flow.ts', flowModule('hello', `schedule: { cron: '0 4 * * *' }`))
  project.git('push', '--quiet', 'origin', 'main')
}

describe('a day with releases', () => {
  beforeAll(makeCheckout)
  afterAll(() => repositories.remove())
  let ids: string[] = []

  it('begins with nothing', async () => {
    expect(await works('releases')).toMatch(/^No releases in file:.+\.millrace\/releases\.\n$/)
    expect(await works('releases history')).toContain('Nothing was deployed yet in file:')
    expect(await refused('releases show')).toContain('nothing is released yet')
    expect(await refused('rollback')).toContain('there is no release before the first to go back to')
  })

  it('deploys main as a release of dev', async () => {
    expect(await works('deploy --dry-run')).toMatch(
      /^DEPLOYMENT +CHANGE +WHAT\nhello +new\nrain +new\nWould be deployed to dev\n$/,
    )
    expect(await works('releases')).toContain('No releases')
    expect(await works('deploy --reason "the first"')).toMatch(
      /hello +new\nrain +new\nDeployed to dev: release 20\S+\n$/,
    )
    expect(await works('deploy')).toBe('Nothing to deploy: in dev, all is as it is here.\n')
  })

  it('deploys a change, and shows what it changed', async () => {
    project.commit('flows/rain/flow.ts', flowModule('rain').replace('=> 1', '=> 2'))
    const deployed = JSON.parse(await works('deploy --json'))
    expect(deployed).toMatchObject({ stack: 'dev', target: { kind: 'release' }, dryRun: false, number: 2 })
    const list = await works('releases')
    ids = list.match(ID) ?? []
    expect(list).toMatch(
      /^RELEASE +MADE BY +COMMIT +FLOWS\n\S+ +current +deploy +[0-9a-f]{7} +2\n\S+ +deploy +[0-9a-f]{7} +2\n$/,
    )
    expect(ids[0]).toBe(deployed.release)
    const diff = await works(`releases diff ${ids[1]?.slice(-8)} current`)
    expect(diff).toMatch(/\nrain +changed +bundle [0-9a-f]{12} -> [0-9a-f]{12}\n\(release\) +changed +commit /)
    expect(await works('releases diff current current')).toContain('are the same')
    expect(JSON.parse(await works(`releases diff ${ids[1]} ${ids[0]} --json`)).deployments).toMatchObject([
      { name: 'rain', change: 'changed', fields: [{ field: 'bundle' }] },
    ])
  })

  it('lists a page at a time', async () => {
    const [newest, oldest] = ids
    const first = await works('releases --limit 1')
    expect(first).toContain(`More: --after ${newest}`)
    const second = await works(`releases list --limit 1 --after ${newest}`)
    expect(second.match(ID)).toEqual([oldest])
    expect(JSON.parse(await works('releases --limit 1 --json'))).toMatchObject({
      releases: [{ id: newest, isCurrent: true, madeBy: 'deploy' }],
      next: newest,
    })
    expect(await works('releases history --limit 1')).toContain('More: --after 2')
    expect(JSON.parse(await works('releases history --after 2 --json'))).toMatchObject({ moves: [{ number: 1 }] })
  })

  it('deploys a branch beside it', async () => {
    project.git('switch', '--quiet', '--create', 'feature/x')
    project.write('flows/rain/flow.ts', flowModule('rain').replace('=> 1', '=> 3'))
    expect(await works('deploy')).toMatch(/rain@feature-x +new\nDeployed to dev, from the branch feature\/x\n$/)
    expect(await works('releases show')).toMatch(
      /^release +\S+ \(current\)\nstack +dev\nmade by +deploy\ncommit +[0-9a-f]{7}, .+\nbundles +file:.+\n\nDEPLOYMENT +BUNDLE +IMAGE +SCHEDULE\nhello .+\nrain .+\nrain@feature-x .+\n$/,
    )
    expect(Object.keys(JSON.parse(await works('releases show --json')).branches)).toEqual(['rain@feature-x'])
    expect(await works(`releases show ${ids[0]} --json`)).not.toContain('"isCurrent": false')
  })

  it('goes back, and says how to take that back', async () => {
    const [newest, oldest] = ids
    const plan = await works('rollback --dry-run')
    expect(plan).toContain(`${newest} -> ${oldest} (dry run: nothing was done)\n`)
    const began = performance.now()
    const done = await works('rollback --reason "it loses rows"')
    expect(performance.now() - began).toBeLessThan(5000)
    expect(done).toMatch(/rain +changed +bundle/)
    expect(done).toContain(`To take it back: millrace rollback ${newest}\n`)
    expect(await refused(`rollback ${oldest}`)).toContain(`${oldest} is the current release already`)
    expect(await refused('rollback nope')).toContain('there is no release "nope"')
    expect(JSON.parse(await works(`rollback ${newest} --json`))).toMatchObject({
      from: oldest,
      to: newest,
      by: 'ada@example.org',
    })
  })

  it('takes away what the branch has deployed, when the branch goes', async () => {
    expect(await refused('undeploy rain@feature-y')).toContain('did you mean "rain@feature-x"?')
    expect(await refused('undeploy')).toContain('what is to be taken away?')
    expect(await works('undeploy --branch feature/x')).toBe('Taken away: rain@feature-x\n')
    expect(await works('undeploy --branch feature/x')).toBe('Nothing is deployed from the branch feature/x.\n')
  })

  it('has a history of all of it', async () => {
    const [newest, oldest] = ids
    const lines = (await works('releases history')).split('\n').slice(1, -1)
    expect(lines.map((line) => line.replace(/^(\d+) +\S+ \S+ ago/, '$1').replace(/ {2,}/g, ' | '))).toEqual([
      '6 | undeploy | ada@example.org | rain@feature-x',
      `5 | rollback | ada@example.org | ${oldest} -> ${newest}`,
      `4 | rollback | ada@example.org | ${newest} -> ${oldest} | it loses rows`,
      '3 | deploy | ada@example.org | rain@feature-x',
      `2 | deploy | ada@example.org | ${newest} rain`,
      `1 | deploy | ada@example.org | ${oldest} hello rain | the first`,
    ])
  })

  it('ends with what was asked wrongly, a line each', async () => {
    project.git('switch', '--quiet', '--force', 'main')
    expect(await refused('deploy helo')).toContain('there is no flow "helo"; did you mean "hello"?')
    expect(await refused(`deploy --image ${image('mine')}`)).toContain(
      '--image: a release runs the images of its stack',
    )
    expect(await refused('deploy --stack prod')).toContain('there is no stack "prod": no file Pulumi.prod.yaml')
    expect(await refused('deploy', { MILLRACE_RELEASES: 'gss://x' })).toContain('there is no store for gss:')
    expect(await refused('releases --limit x')).toContain('--limit: expected a whole number')
    project.write('flows/rain/flow.ts', 'export default flow(')
    expect(await refused('deploy')).toContain('flows/rain/flow.ts')
  })
})

describe('what up has released', () => {
  const states = new Map<string, VersionState>([['projects/1/secrets/hook/versions/1', 'DISABLED']])
  let fake: Awaited<ReturnType<typeof fakeSecretManager>>
  let records: Store
  beforeAll(async () => {
    makeCheckout()
    fake = await fakeSecretManager(states)
    records = store(`file:${project.folder}/.millrace/prod`)
  })
  afterAll(async () => {
    await fake.close()
    repositories.remove()
  })
  const env = (): NodeJS.ProcessEnv => ({ MILLRACE_RELEASES: records.url, MILLRACE_GOOGLE_ENDPOINT: fake.endpoint })

  async function up(version: number): Promise<string> {
    const bundles = `file:${project.folder}/.millrace/bundles`
    const hook = `projects/1/secrets/hook/versions/${version}`
    const schedule = { cron: `${version} 4 * * *`, timezone: 'UTC', params: {} }
    const hello = local('hello', { schedule, image: image('hello'), secretVersions: { hook } })
    await store(bundles).write(`hello/${hello.bundle}.mjs`, '')
    const record = releaseOf([hello], { stack: 'prod', bundles })
    const id = await writeRelease(records, record, new Date(Date.UTC(2026, 0, version)))
    await records.write(UP_PATH, upText(id))
    return id
  }

  it('is current at once, and in the history when somebody registers it', async () => {
    const one = await up(1)
    await pauseSchedule(records, 'hello', { by: 'ada' })
    const shown = await works('releases show', env())
    expect(shown).toContain(`${one} (current)`)
    expect(shown).toMatch(/hello +[0-9a-f]{12} +hello@sha256:[0-9a-f]{12} +1 4 \* \* \* UTC \(paused\)\n$/)
    expect(await works('releases history', env())).toContain(`"pulumi up" made ${one} since`)
    expect(await works('releases register', env())).toBe(`${one} is in the history.\n`)
    expect(await works('releases register', env())).toBe('There is nothing new from "pulumi up".\n')
    expect(await works('releases history', env())).toMatch(new RegExp(`1 .+ ago +release +pulumi up +${one}\n`))
  })

  it('is gone back from, to the schedule and the versions of secrets of before', async () => {
    const two = await up(2)
    const out = await works('rollback', { ...env(), GITHUB_ACTOR: 'octocat' })
    expect(out).toContain('schedule {"cron":"2 4 * * *","timezone":"UTC","params":{}} -> {"cron":"1 4 * * *"')
    expect(out).toContain('Enabled projects/1/secrets/hook/versions/1, which was disabled.\n')
    expect(states.get('projects/1/secrets/hook/versions/1')).toBe('ENABLED')
    expect(await works('releases history', env())).toMatch(/3 .+ rollback +octocat \(GitHub\)/)
    expect(await works('releases show', env())).toMatch(/1 4 \* \* \* UTC \(paused\)\n$/)
    states.set('projects/1/secrets/hook/versions/2', 'DESTROYED')
    expect(await refused(`rollback ${two}`, env())).toContain('no longer kept: projects/1/secrets/hook/versions/2')
  })

  it('is not believed when somebody changed it', async () => {
    const three = await up(3)
    await records.write(releasePath(three), '{}')
    expect(await refused('releases show', env())).toContain(`${three}.json is not what its name says`)
  })
})
