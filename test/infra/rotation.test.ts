import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { difference } from '../../infra/plan/difference.ts'
import type { Plan } from '../../infra/plan/planned-resource.ts'
import { planProgram } from '../../infra/plan/run.ts'
import { readStack, type StackProgram } from '../../infra/plan/stack-file.ts'
import { titleOf } from '../../infra/plan/title.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

it('raising a secret makes one new version, rolls who reads it, and then disables the old one', async () => {
  const [before, after] = await Promise.all([planWith('random', 1), planWith('random', 2)])
  const { added, removed, changed } = difference(before, after)
  expect(added.map(titleOf)).toEqual(['secretmanager.SecretVersion signing-key-v2', 'RandomPassword signing-key-v2'])
  expect(removed).toEqual([])

  // The readers are told the new version; nothing else about them changes.
  const rolled = changed.filter(({ resource }) => resource.type !== 'gcp:secretmanager/secretVersion:SecretVersion')
  expect(rolled.map(({ resource }) => titleOf(resource))).toEqual(['cloudrunv2.WorkerPool agent-cloud-run'])

  const old = find(after, 'signing-key-v1')
  expect(old.inputs).toMatchObject({ enabled: false, deletionPolicy: 'DELETE' })
  // Not before everybody has been told the new one.
  expect(old.dependencies).toContain(rolled[0]?.resource.urn)
  expect(find(after, 'signing-key-v2').inputs.enabled).toBe(true)
})

it('keeps as many old versions as it is told, and destroys the one before', async () => {
  const [before, after] = await Promise.all([planWith('random', 2), planWith('random', 3)])
  const { added, removed } = difference(before, after)
  expect(added.map(({ name }) => name)).toEqual(['signing-key-v3', 'signing-key-v3'])
  expect(removed.map(({ name }) => name)).toEqual(['signing-key-v1', 'signing-key-v1'])
})

it('takes the value of each version from the encrypted config', async () => {
  const plan = await planWith('config', 2)
  expect(versions(plan)).toEqual([
    ['signing-key-v1', false],
    ['signing-key-v2', true],
  ])
  expect(JSON.stringify(plan)).not.toMatch(/value of version/)
})

it('makes no version of an external secret, and tells its readers the one of the config', async () => {
  const plan = await planWith('external', 7)
  expect(versions(plan)).toEqual([])
  const agent = plan.resources.find(
    ({ type, name }) => type === 'gcp:cloudrunv2/workerPool:WorkerPool' && name === 'agent-cloud-run',
  )
  expect(JSON.stringify(agent?.inputs)).toContain('projects/example-millrace-dev/secrets/signing-key/versions/7')
})

type Source = 'random' | 'config' | 'external'

const plans = new Map<string, Promise<Plan>>()

/** The stack dev with one secret, which the agent reads; planned once. */
function planWith(source: Source, version: number): Promise<Plan> {
  const key = `${source} ${version}`
  const plan = plans.get(key) ?? makePlan(source, version)
  plans.set(key, plan)
  return plan
}

function makePlan(source: Source, version: number): Promise<Plan> {
  const stack = readStack(ROOT, 'dev')
  const values = Object.fromEntries([...Array(version).keys()].map((i) => [`${i + 1}`, `value of version ${i + 1}`]))
  const config: Record<string, string> = {
    ...stack.config,
    'millrace:secrets': JSON.stringify({ 'signing-key': { source, version } }),
    'millrace:agents': JSON.stringify({ 'cloud-run': { launcher: 'cloud-run', secrets: ['signing-key'] } }),
    'millrace:flows': JSON.stringify({ hello: {} }),
    ...(source === 'config' && { 'millrace:secretValues': JSON.stringify({ 'signing-key': values }) }),
  }
  const program: StackProgram = { ...stack, config, secretKeys: ['millrace:secretValues'] }
  return planProgram(program, { origins: false })
}

function find(plan: Plan, name: string) {
  const found = plan.resources.find(
    (each) => each.name === name && each.type === 'gcp:secretmanager/secretVersion:SecretVersion',
  )
  if (!found) throw new Error(`the plan has no version ${name}`)
  return found
}

function versions({ resources }: Plan) {
  return resources
    .filter(({ type }) => type === 'gcp:secretmanager/secretVersion:SecretVersion')
    .map(({ name, inputs }) => [name, inputs.enabled])
    .toSorted()
}
