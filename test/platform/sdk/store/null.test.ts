import { expect, it } from 'vitest'
import { store } from '../../../../platform/sdk/index.ts'
import { mistakeOf } from '../failure.ts'

const nothing = store('null:')

it('takes everything', async () => {
  let pulled = 0
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (pulled = 0; pulled < 3; pulled++) yield Buffer.alloc(10)
  }
  await nothing.write('a', 'x')
  await nothing.write('b', pieces())
  await nothing.writeJson('c.json', { a: 1 })
  expect(await nothing.create('a', 'x')).toBe(true)
  expect(await nothing.create('a', 'y')).toBe(true)
  expect(pulled).toBe(3)
  expect(await nothing.writeAll([['d', 'x'] as const, ['e', 'y'] as const])).toBe(2)
  await nothing.remove('a')
  await nothing.removeAll('')
})

it('keeps nothing', async () => {
  await nothing.write('a', 'x')
  expect(await nothing.exists('a')).toBe(false)
  expect(await Array.fromAsync(nothing.list())).toEqual([])
  expect(await mistakeOf(() => nothing.read('a'))).toBe('store null:: there is no a')
  expect(await mistakeOf(() => nothing.readJson('a'))).toBe('store null:: there is no a')
  expect(await mistakeOf(() => Array.fromAsync(nothing.stream('a')))).toBe('store null:: there is no a')
})

it('refuses the paths that every store refuses, so that a trial run finds them', async () => {
  expect(await mistakeOf(() => nothing.write('../a', 'x'))).toContain('path "../a"')
  expect(await mistakeOf(() => nothing.writeAll([['/a', 'x']]))).toContain('path "/a"')
})
