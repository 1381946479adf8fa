import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { apisOf } from '../../infra/apis.ts'
import type { StackConfig } from '../../infra/config.ts'
import type { Plan } from '../../infra/plan/planned-resource.ts'
import { planProgram } from '../../infra/plan/run.ts'
import { readStack } from '../../infra/plan/stack-file.ts'
import { BOOTSTRAP_APIS, STACK_APIS } from '../../platform/release/bootstrap/apis.ts'
import { DEPLOYERS } from '../../platform/release/bootstrap/deployers.ts'

const ROOT = join(import.meta.dirname, '../..')

describe('what bootstrap makes, and what the program takes over', () => {
  let plan: Plan
  beforeAll(async () => {
    plan = await planProgram(readStack(ROOT, 'prod'), { origins: false })
  })
  const inputs = (type: string) => plan.resources.filter((each) => each.type === type).map((each) => each.inputs)

  it('are the same two accounts, so that an "up" after it changes nothing about them', () => {
    const accounts = inputs('gcp:serviceaccount/account:Account')
    for (const { accountId, displayName, description } of DEPLOYERS) {
      const words = { accountId, displayName, description: description('prod') }
      // Without it, "up" fails on an account that is there.
      expect(accounts).toContainEqual(expect.objectContaining({ ...words, createIgnoreAlreadyExists: true }))
    }
  })

  it('are the same APIs', () => {
    const services = inputs('gcp:projects/service:Service').map(({ service }) => service)
    expect(services.length).toBeGreaterThan(15)
    for (const service of services) expect(STACK_APIS.map((api) => `${api}.googleapis.com`)).toContain(service)
  })
})

it('bootstrap switches on no API that no stack uses, but the one of the key', () => {
  const all = {
    registry: { scanning: true },
    github: {},
    cluster: {},
    console: {},
    budget: {},
    agents: { vertex: { launcher: 'vertex' } },
  } as unknown as StackConfig
  expect(apisOf(all)).toEqual(STACK_APIS)
  expect(BOOTSTRAP_APIS).toEqual(['cloudkms', ...STACK_APIS])
})

it('the guide lists the APIs that bootstrap switches on', () => {
  const guide = readFileSync(join(ROOT, 'docs/first-deployment.md'), 'utf8')
  const [, listed = ''] = /<!-- apis -->\s+```text\n([\s\S]*?)```/.exec(guide) ?? []
  expect(listed.trim().split(/\s+/)).toEqual([...BOOTSTRAP_APIS].toSorted())
})
