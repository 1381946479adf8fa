import { expect, it } from 'vitest'
import { framesIn } from '../../../infra/plan/source.ts'
import { inTreeOrder } from '../../../infra/plan/tree-order.ts'

/** Calls as `FILE:LINE`, the innermost first. */
const placed = (urn: string, parent: string | undefined, ...calls: string[]) => ({
  urn,
  parent,
  calls: calls.map((call) => {
    const [file = '', line] = call.split(':')
    return { file, line: Number(line) }
  }),
})
const order = (...resources: ReturnType<typeof placed>[]) => inTreeOrder(resources).map(({ urn }) => urn)

it('puts each resource after its parent', () => {
  expect(order(placed('b', 'a', 'main.ts:1'), placed('a', 'stack', 'main.ts:2'), placed('stack', undefined))).toEqual([
    'stack',
    'a',
    'b',
  ])
})

it('goes by where a function is called, not by where it stands', () => {
  expect(
    order(
      placed('last', undefined, 'main.ts:9'),
      placed('second', undefined, 'accounts.ts:1', 'main.ts:5'),
      placed('first', undefined, 'main.ts:30', 'main.ts:2'),
      placed('third', undefined, 'accounts.ts:8', 'main.ts:5'),
    ),
  ).toEqual(['first', 'second', 'third', 'last'])
})

it('puts what a loop makes in the order of its names', () => {
  expect(order(placed('b', undefined, 'main.ts:1'), placed('a', undefined, 'main.ts:1'))).toEqual(['a', 'b'])
})

it('loses nothing: neither two of one name, nor one whose parent is missing', () => {
  expect(order(placed('a', undefined), placed('a', undefined), placed('c', 'nobody'), placed('b', 'a'))).toEqual([
    'a',
    'b',
    'a',
    'c',
  ])
})

it('takes frames of the project for calls, whichever way the runner writes their files', () => {
  const frame = (file: string) => ({ file, line: 3 })
  expect(
    framesIn('/work/project', [
      frame('file:///work/project/node_modules/@pulumi/pulumi/resource.js'),
      frame('file:///work/project/infra/file:/work/project/infra/main.ts'),
      frame('file:///work/project/infra/components/a.ts'),
      frame('file:///elsewhere/b.ts'),
    ]),
  ).toEqual([
    { file: 'infra/main.ts', line: 3 },
    { file: 'infra/components/a.ts', line: 3 },
  ])
})
