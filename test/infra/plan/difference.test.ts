import { expect, it } from 'vitest'
import { difference } from '../../../infra/plan/difference.ts'
import { type PlannedResource, Unknown } from '../../../infra/plan/planned-resource.ts'
import { differenceText } from '../../../infra/plan/text/difference.ts'
import { component, planned, planOf } from './planned.ts'

const bucket = (given: Partial<PlannedResource>) => ({
  ...planned('gcp:storage/bucket:Bucket', 'results', { parent: component('buckets') }),
  ...given,
})
const changes = (before: Partial<PlannedResource>, after: Partial<PlannedResource>) =>
  difference(planOf(bucket(before)), planOf(bucket(after))).changed.flatMap((each) => each.changes)

it('tells what is new and what is gone', () => {
  const { added, removed, changed } = difference(
    planOf(bucket({}), component('old')),
    planOf(bucket({}), component('new')),
  )
  expect([added, removed].map((each) => each.map(({ name }) => name))).toEqual([['new'], ['old']])
  expect(changed).toEqual([])
})

it('tells by path which inputs changed', () => {
  expect(
    changes(
      { inputs: { location: 'EU', versioning: { enabled: false }, labels: { a: '1' }, cors: [] } },
      { inputs: { location: 'EU', versioning: { enabled: true }, labels: { b: '1' }, cors: [{ maxAge: 1 }] } },
    ),
  ).toEqual([
    { path: 'versioning.enabled', from: 'false', to: 'true' },
    { path: 'labels.a', from: '1', to: undefined },
    { path: 'cors', from: '[]', to: undefined },
    { path: 'labels.b', from: undefined, to: '1' },
    { path: 'cors[0].maxAge', from: undefined, to: '1' },
  ])
})

it('finds things in a list by their name, so that one more is one change', () => {
  const env = (...names: string[]) => ({ inputs: { envs: names.map((name) => ({ name, value: name })) } })
  expect(changes(env('A', 'C'), env('A', 'B', 'C'))).toEqual([
    { path: 'envs[B].name', from: undefined, to: 'B' },
    { path: 'envs[B].value', from: undefined, to: 'B' },
  ])
})

it('tells a value that is known from one that is not', () => {
  expect(changes({ inputs: { name: 'a' } }, { inputs: { name: new Unknown('suffix.hex') } })).toEqual([
    { path: 'name', from: 'a', to: '<suffix.hex>' },
  ])
})

it('tells what changed in how a resource is registered', () => {
  const [a, b] = [component('a').urn, component('b').urn]
  expect(
    changes(
      { protect: true, parent: a, dependencies: [a], ignoreChanges: ['x'] },
      { protect: false, parent: b, dependencies: [b], retainOnDelete: true },
    ),
  ).toEqual([
    { path: 'parent', from: a, to: b },
    { path: 'protect', from: 'true', to: 'false' },
    { path: 'retainOnDelete', from: 'false', to: 'true' },
    { path: 'after', from: a, to: undefined },
    { path: 'after', from: undefined, to: b },
    { path: 'ignoreChanges', from: 'x', to: undefined },
  ])
})

it('is nothing between two equal plans, whatever the order of dependencies and where things are declared', () => {
  const [a, b] = [component('a').urn, component('b').urn]
  expect(changes({ dependencies: [a, b], source: 'x.ts:1' }, { dependencies: [b, a], source: 'x.ts:2' })).toEqual([])
})

it('is printed for a person', () => {
  const before = { ...planOf(bucket({ dependencies: [component('old').urn] })), outputs: { url: 'gs://a' } }
  const after = {
    ...planOf(bucket({ inputs: { name: 'r' }, protect: true }), component('new')),
    outputs: { url: 'gs://b' },
  }
  expect(
    differenceText('dev', 'HEAD', difference(before, after)),
  ).toBe(`Plan of dev since HEAD: 1 added, 0 removed, 1 changed
+ Part new
~ storage.Bucket results
    name: + r
    protect: false → true
    after: - Part old
~ outputs of the stack
    url: gs://a → gs://b
`)
})
