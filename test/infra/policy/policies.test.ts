import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { policies, violations } from '../../../infra/policy/index.ts'
import { access } from './cases/access.ts'
import { data } from './cases/data.ts'
import { docker } from './cases/docker.ts'
import { google } from './cases/google.ts'
import { inCluster } from './cases/in-cluster.ts'
import { order } from './cases/order.ts'
import { reach } from './cases/reach.ts'
import { runs } from './cases/runs.ts'
import { secrets } from './cases/secrets.ts'
import type { Cases, Fragment } from './cases.ts'
import { planOf, resource } from './fragments.ts'

const ALL: Cases = { ...access, ...reach, ...secrets, ...data, ...runs, ...order, ...google, ...inCluster, ...docker }
const RULES = new URL('../../../infra/policy/rules/', import.meta.url)

/** What one policy says of a fragment; what the others say of so small a part is of no interest. */
function said(policy: string, fragment: Fragment): string[] {
  const plan = 'outputs' in fragment ? planOf(fragment.resources, fragment.outputs) : planOf(fragment)
  return violations(plan)
    .filter((violation) => violation.policy === policy)
    .map(({ message }) => message)
}

describe.each(Object.entries(ALL))('%s', (policy, { keeps, breaks }) => {
  it.each(keeps)('allows %s', (_, fragment) => {
    expect(said(policy, fragment)).toEqual([])
  })

  it.each(breaks)('stops %s', (_, fragment, message) => {
    expect(said(policy, fragment)).toEqual([message])
  })
})

describe('the policies', () => {
  it('are those of the folder, a file each', () => {
    const files = readdirSync(RULES).map((file) => file.replace(/\.ts$/, ''))
    expect(policies.map(({ name }) => name).toSorted()).toEqual(files.toSorted())
  })

  it('each have a fragment that they let pass and one that they stop', () => {
    const tested = Object.entries(ALL).filter(([, { keeps, breaks }]) => keeps.length > 0 && breaks.length > 0)
    expect(policies.map(({ name }) => name).toSorted()).toEqual(tested.map(([name]) => name).toSorted())
  })

  it.each(policies.map(({ name, description, reason }) => [name, description, reason]))(
    '%s say what is kept, and why, in sentences',
    (_, description, reason) => {
      for (const text of [description, reason]) expect(text).toMatch(/^[A-Z"].*[^.]\.$/)
    },
  )

  it('say which resource is wrong, and leave alone what is only looked up', () => {
    const bucket = resource('gcp:storage/bucket:Bucket', 'results', { website: {} })
    const found = violations(planOf([bucket])).filter(({ policy }) => policy === 'private-buckets')
    expect(new Set(found.map(({ urn }) => urn))).toEqual(new Set([bucket.urn]))
    expect(violations(planOf([{ ...bucket, existing: true }]))).toEqual([])
  })
})
