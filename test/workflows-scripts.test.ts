import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Ended } from './e2e/command.ts'
import { fakeGithub, type GithubFake, REPOSITORY, TOKEN } from './fakes/github.ts'

const ROOT = join(import.meta.dirname, '..')
const BOT = 'github-actions[bot]'

let github: GithubFake
let folder: string
beforeEach(async () => {
  github = await fakeGithub()
  folder = mkdtempSync(join(tmpdir(), 'millrace-artifacts-'))
})
afterEach(async () => {
  await github.close()
  rmSync(folder, { recursive: true })
})

/** Puts a file where an artifact is unpacked. */
function artifact(name: string, file: string, text: string): void {
  mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, name, file), text)
}

/** Runs a script as its workflow does. */
async function run(script: string, env: Readonly<Record<string, string>>): Promise<Ended> {
  const child = spawn(process.execPath, [join(ROOT, '.github/scripts', script)], {
    env: { GITHUB_TOKEN: TOKEN, GITHUB_API_URL: github.endpoint, GITHUB_REPOSITORY: REPOSITORY, ...env },
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (piece: Buffer) => {
    out += piece.toString()
  })
  child.stderr.on('data', (piece: Buffer) => {
    err += piece.toString()
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, out, err }
}

describe('the comment with the plan', () => {
  const RUN = {
    html_url: 'https://github.com/example/millrace/actions/runs/1',
    head_branch: 'feature/a&b',
    head_sha: 'abc',
    head_repository: { owner: { login: 'stranger' } },
  }
  const comment = (workflow_run: object = RUN): Promise<Ended> => {
    writeFileSync(join(folder, 'event.json'), JSON.stringify({ workflow_run }))
    return run('plan-comment.mjs', { GITHUB_EVENT_PATH: join(folder, 'event.json'), PLANS: folder })
  }
  const body = (): string => github.comments.at(-1)?.body ?? ''
  beforeEach(() => {
    github.pulls.push({ number: 7, head: 'stranger:feature/a&b', sha: 'abc', state: 'open' })
    artifact('plan-dev', 'plan.txt', '+ storage.Bucket results\n')
    artifact('plan-prod', 'plan.txt', 'nothing changes\n')
  })

  it('shows the plan of each stack, also of a fork', async () => {
    const { code, out } = await comment()
    expect(code).toBe(0)
    expect(out).toBe('The plan is shown in pull request 7.\n')
    expect(github.comments).toHaveLength(1)
    expect(github.comments[0]?.issue).toBe(7)
    expect(body()).toContain('<summary>dev</summary>\n\n```text\n+ storage.Bucket results\n```')
    expect(body()).toContain('<summary>prod</summary>\n\n```text\nnothing changes\n```')
    expect(body()).toContain('As of abc, by [this run](https://github.com/example/millrace/actions/runs/1).')
  })

  it('is the same one after each push', async () => {
    for (let i = 0; i < 120; i++) github.comments.push({ id: i + 1, issue: 7, by: 'ada', body: `remark ${i}` })
    await comment()
    artifact('plan-dev', 'plan.txt', 'other\n')
    await comment()
    expect(github.changes).toEqual(['POST /issues/7/comments', 'PATCH /issues/comments/121'])
    expect(body()).toContain('```text\nother\n```')
  })

  it('is not one that somebody made to look like it', async () => {
    const theirs = { id: 1, issue: 7, by: 'stranger', body: '<!-- millrace: plan -->\nmine' }
    github.comments.push(theirs)
    await comment()
    expect(theirs.body).toBe('<!-- millrace: plan -->\nmine')
    expect(github.comments).toHaveLength(2)
  })

  it.each([
    ['is closed', { number: 7, head: 'stranger:feature/a&b', sha: 'abc', state: 'closed' }],
    ['has a newer commit', { number: 7, head: 'stranger:feature/a&b', sha: 'def', state: 'open' }],
    ['is of somebody else', { number: 7, head: 'ada:feature/a&b', sha: 'abc', state: 'open' }],
  ] as const)('does not appear where the pull request %s', async (_what, pull) => {
    github.pulls.splice(0, 1, pull)
    const { code, out } = await comment()
    expect(code).toBe(0)
    expect(out).toContain('there is nowhere to show the plan')
    expect(github.changes).toEqual([])
  })

  it('does not appear when the fork is gone', async () => {
    expect((await comment({ ...RUN, head_repository: null })).code).toBe(0)
    expect(github.changes).toEqual([])
  })

  it('cannot be made to say anything else by what is in it', async () => {
    artifact(
      'plan-dev',
      'plan.txt',
      'x\n```\n# Approved\n@owner https://evil.example\n````\n</details>\u001b[31mred\u001b[0m\u202e!\n',
    )
    await comment()
    const [, fence = '', inside] = /<summary>dev<\/summary>\n\n(`+)text\n([\s\S]*?)\n\1\n/.exec(body()) ?? []
    expect(fence).toBe('`````')
    expect(inside).toBe('x\n```\n# Approved\n@owner https://evil.example\n````\n</details>red!')
  })

  it('is cut where it is too long for GitHub', async () => {
    artifact('plan-dev', 'plan.txt', 'x'.repeat(900_000))
    artifact('plan-prod', 'plan.txt', 'y'.repeat(2_000_000))
    expect((await comment()).code).toBe(0)
    expect(body().length).toBeLessThan(65_536)
    expect(body()).toContain('… and more: see the run')
    expect(body()).toContain('(2000000 bytes: too long to show)')
  })

  it.each(['file', 'folder'])(
    'shows nothing of the machine that a link in the artifact leads to (%s)',
    async (kind) => {
      const secret = join(folder, 'secret')
      mkdirSync(secret)
      writeFileSync(join(secret, 'plan.txt'), 'hunter2')
      rmSync(join(folder, 'plan-dev'), { recursive: true })
      if (kind === 'folder') symlinkSync(secret, join(folder, 'plan-dev'))
      else {
        mkdirSync(join(folder, 'plan-dev'))
        symlinkSync(join(secret, 'plan.txt'), join(folder, 'plan-dev', 'plan.txt'))
      }
      await comment()
      expect(body()).toContain('<summary>dev</summary>\n\nThere is none: see the run.')
      expect(body()).not.toContain('hunter2')
    },
  )

  it('says so where there is no plan', async () => {
    rmSync(join(folder, 'plan-prod'), { recursive: true })
    await comment()
    expect(body()).toContain('<summary>prod</summary>\n\nThere is none: see the run.')
  })

  it('fails when GitHub refuses it', async () => {
    writeFileSync(join(folder, 'event.json'), JSON.stringify({ workflow_run: RUN }))
    const { code, err } = await run('plan-comment.mjs', {
      GITHUB_EVENT_PATH: join(folder, 'event.json'),
      PLANS: folder,
      GITHUB_TOKEN: 'other',
    })
    expect(code).toBe(1)
    expect(err).toContain('GitHub refuses GET /pulls?state=open')
    expect(err).toContain('(401): {"message":"Bad credentials"}')
  })
})

describe('the issue about drift', () => {
  const STACKS = [
    { stack: 'dev', ref: 'a' },
    { stack: 'prod', ref: 'b' },
  ]
  const report = (): Promise<Ended> =>
    run('drift-issue.mjs', {
      LOOKS: folder,
      STACKS: JSON.stringify(STACKS),
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_RUN_ID: '5',
    })
  const look = (stack: string, outcome: string, preview = `${stack}: the preview`): void => {
    artifact(`drift-${stack}`, 'outcome.txt', `${outcome}\n`)
    artifact(`drift-${stack}`, 'preview.txt', preview)
  }

  it('is not opened where all is as declared', async () => {
    look('dev', 'same')
    look('prod', 'same')
    expect((await report()).out).toBe('dev: same\nprod: same\n')
    expect(github.changes).toEqual([])
  })

  it('tells what differs, and what could not be looked at', async () => {
    look('dev', 'same')
    look('prod', 'differs', '~ storage.Bucket results')
    await report()
    expect(github.issues).toMatchObject([
      { title: 'What exists differs from what is declared', by: BOT, state: 'open' },
    ])
    const [issue] = github.issues
    expect(issue?.body).toContain('### dev: as declared')
    expect(issue?.body).toContain('### prod: differs\n\n```text\n~ storage.Bucket results\n```')
    expect(issue?.body).toContain('[this run](https://github.com/example/millrace/actions/runs/5)')
    rmSync(join(folder, 'drift-dev'), { recursive: true })
    await report()
    expect(issue?.body).toContain('### dev: could not be looked at\n\n### prod')
  })

  it('is one issue, and is closed when nothing differs any more', async () => {
    github.issues.push({ number: 1, by: 'ada', title: 'x', body: '<!-- millrace: drift -->', state: 'open' })
    look('dev', 'differs')
    look('prod', 'same')
    await report()
    await report()
    expect(github.issues).toHaveLength(2)
    look('dev', 'same')
    await report()
    expect(github.issues.map(({ state }) => state)).toEqual(['open', 'closed'])
    await report()
    expect(github.issues).toHaveLength(2)
    look('dev', 'failed')
    await report()
    expect(github.issues).toHaveLength(3)
  })
})
