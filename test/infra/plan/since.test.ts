import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { planAt } from '../../../infra/plan/since.ts'

/** A project whose program takes a name from a package of its own; both are changed after the first commit. */
let root: string
const never = new AbortController().signal

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'since-'))
  const installed = join(import.meta.dirname, '../../../node_modules')
  mkdirSync(join(root, 'node_modules/@millrace'), { recursive: true })
  symlinkSync(join(installed, '@pulumi'), join(root, 'node_modules/@pulumi'))
  mkdirSync(join(root, 'parts'))
  symlinkSync(join(root, 'parts'), join(root, 'node_modules/@millrace/parts'))
  write('.gitignore', 'node_modules')
  write('package.json', JSON.stringify({ type: 'module', workspaces: ['parts', 'later'] }))
  write('parts/package.json', JSON.stringify({ name: '@millrace/parts', type: 'module', exports: './index.ts' }))
  git('init', '--quiet')
  commit('nothing yet')
  write('Pulumi.yaml', 'name: small\nmain: main.ts')
  write('Pulumi.dev.yaml', 'config: {}')
  write('parts/index.ts', `export const part: string = 'old'`)
  write(
    'main.ts',
    `import { part } from '@millrace/parts'
     import { ComponentResource } from '@pulumi/pulumi'
     new ComponentResource('small:index:Part', part)`,
  )
  commit('first')
  git('switch', '--quiet', '--create', 'broken')
  write('main.ts', `import { RunError } from '@pulumi/pulumi'\nthrow new RunError('the size is missing')`)
  commit('broken')
  git('switch', '--quiet', '-')
  write('parts/index.ts', `export const part: string = 'new'`)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const write = (name: string, text: string): void => writeFileSync(join(root, name), text)
const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' })
const commit = (message: string): void => {
  git('add', '--all')
  git('-c', 'user.name=a', '-c', 'user.email=a@example.org', 'commit', '--quiet', '--message', message)
}
const leftOvers = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('millrace-plan-'))

it('plans the program of a commit with that commit’s packages, and leaves nothing behind', async () => {
  const before = leftOvers()
  const { plan, commit } = await planAt(root, 'HEAD', 'dev', never)
  expect(plan.resources.map(({ name }) => name)).toEqual(['small-dev', 'old'])
  expect(commit).toBe(git('rev-parse', 'HEAD').trim())
  expect(git('worktree', 'list').trim().split('\n')).toHaveLength(1)
  expect(leftOvers()).toEqual(before)
})

it('is an empty plan where there was no such stack', async () => {
  const { plan } = await planAt(root, 'HEAD~1', 'dev', never)
  expect(plan.resources).toEqual([])
})

it('leaves nothing behind when it is interrupted', async () => {
  const before = leftOvers()
  const stop = new AbortController()
  const planned = planAt(root, 'HEAD', 'dev', stop.signal)
  setTimeout(() => stop.abort(), 150)
  await expect(planned).rejects.toThrow(/abort/)
  expect(git('worktree', 'list').trim().split('\n')).toHaveLength(1)
  expect(leftOvers()).toEqual(before)
})

it('says of which commit it speaks when the program was wrong there', async () => {
  await expect(planAt(root, 'broken', 'dev', never)).rejects.toThrow(
    /^as it was at broken \([0-9a-f]{7}\): the size is missing$/,
  )
})

it.each(['nowhere', '--help', 'HEAD~99'])('says in one line that there is no commit %s', async (ref) => {
  await expect(planAt(root, ref, 'dev', never)).rejects.toThrow(
    `there is no commit "${ref}" here; give a commit, tag or branch, for instance HEAD~1 or main`,
  )
})
