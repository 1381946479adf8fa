import { expect, it } from 'vitest'
import { mermaid } from '../../../infra/plan/graph.ts'
import { component, planned, planOf } from './planned.ts'

const network = component('network')
const database = component('database')
const agents = ['one', 'two'].map((name) => component(name))
const inner = component('inner', { parent: database })
const vpc = planned('gcp:compute/network:Network', 'vpc', { parent: network })
const postgres = planned('gcp:sql/databaseInstance:DatabaseInstance', 'postgres', {
  parent: database,
  dependencies: [vpc.urn],
})
const user = planned('gcp:sql/user:User', 'user', { parent: inner, dependencies: [postgres.urn] })
const accounts = agents.map((parent) =>
  planned('gcp:serviceaccount/account:Account', `"${parent.name}"`, { parent, dependencies: [vpc.urn, user.urn] }),
)
const grants = agents.map((parent) =>
  planned('gcp:projects/iAMMember:IAMMember', `grant-${parent.name}`, {
    parent,
    propertyDependencies: { member: [postgres.urn] },
  }),
)

it('draws components with what is in them, and an arrow from what comes first', () => {
  expect(mermaid(planOf(network, vpc, database, postgres, inner, user, ...agents, ...accounts, ...grants))).toBe(
    `flowchart LR
  c1["Part network<br><small>compute.Network</small>"]
  subgraph c2["Part database<br><small>sql.DatabaseInstance</small>"]
    c3["Part inner<br><small>sql.User</small>"]
  end
  c4["Part one, two<br><small>serviceaccount.Account</small><br><small>1 grant</small>"]
  c1 --> c2
  c2 --> c4
  c3 --> c4
`,
  )
})

it('keeps components apart that need different things', () => {
  const text = mermaid(
    planOf(network, vpc, ...agents, ...accounts.map((each, i) => (i === 0 ? { ...each, dependencies: [] } : each))),
  )
  expect(text).toContain('"Part one<br>')
  expect(text).toContain('"Part two<br>')
})

it('writes names so that Mermaid takes them for text', () => {
  expect(mermaid(planOf(component('a"b<c>')))).toContain('["Part a#quot;b#lt;c#gt;"]')
})
