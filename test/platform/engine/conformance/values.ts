import type { ExecutorKind } from '@millrace/engine'
import { expect, it } from 'vitest'
import { bytesOf, echo, makeBytes } from '../../../fixtures/project/flows/tasks/flow.ts'
import { complete, type Stage } from '../stage.ts'

const VALUES: readonly (readonly [name: string, value: unknown])[] = [
  ['nothing', undefined],
  ['null', null],
  ['an empty list', []],
  ['an empty object', {}],
  ['an empty text', ''],
  ['dates', [new Date(0), new Date('2021-11-05T08:45:00.123Z')]],
  [
    'maps with keys of any kind',
    new Map<unknown, unknown>([
      [1, 'one'],
      ['two', { three: 3 }],
      [[4], new Map()],
    ]),
  ],
  ['sets', new Set([1, 'two', null])],
  ['big integers', [2n ** 80n, -(2n ** 70n), 0n, 9007199254740993n]],
  ['numbers that are none', [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
  ['the ends of the numbers', [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, Number.MAX_VALUE, 5e-324, 0.1]],
  ['holes and undefined fields', { a: undefined, list: [undefined, 1] }],
  ['text of every kind', ['ünïcödé', '日本', '👩‍🚀', 'a\0b', 'line\nline', '\\u0000']],
  ['keys of every kind', { '': 1, 'a b': 2, constructor: 3, __proto__x: 4, '0': 5, ключ: 6 }],
  ['deep nesting', Array.from({ length: 100 }).reduce<unknown>((inner) => ({ inner: [inner] }), 'core')],
  ['objects of one shape in a list', Array.from({ length: 100 }, (_, i) => ({ id: i, name: `n${i}` }))],
  ['true and false', [true, false]],
]

export function values(_kind: ExecutorKind, stage: () => Stage): void {
  it.each(VALUES)('brings %s there and back as it is', async (_name, value) => {
    expect(await complete(stage(), () => echo(value))).toStrictEqual(value)
  })

  it('brings typed arrays there and back with their type', async () => {
    const arrays = [
      Uint8Array.of(1, 2, 255),
      Int8Array.of(-1),
      Uint16Array.of(65535),
      Int32Array.of(-5, 5),
      Float32Array.of(1.5),
      Float64Array.of(0.1, Number.NaN),
      BigInt64Array.of(-1n),
      new Uint8Array(0),
    ]
    const back = (await complete(stage(), () => echo(arrays))) as typeof arrays
    back.forEach((each, i) => {
      expect(each.constructor.name).toBe(arrays[i]?.constructor.name)
      expect(Array.from<unknown>(each)).toEqual(Array.from<unknown>(arrays[i] ?? []))
    })
  })

  it('brings a Buffer back as bytes that keep nothing else alive', async () => {
    const back = await complete(stage(), () => echo(Buffer.from('text')))
    expect(Buffer.from(back as Uint8Array).toString()).toBe('text')
    expect((back as Uint8Array).buffer.byteLength).toBeLessThan(1000)
  })

  it('takes an argument of 5 MB', async () => {
    const big = Uint8Array.from({ length: 5_000_000 }, (_, i) => i % 7)
    const sum = big.reduce((sum, each) => (sum + each) % 251, 0)
    expect(await complete(stage(), () => bytesOf.map([big, big]))).toEqual([sum, sum])
  })

  it('gives a result of 50 MB', async () => {
    const bytes = await complete(stage(), () => makeBytes(50_000_000))
    expect(bytes.byteLength).toBe(50_000_000)
    expect([bytes[1], bytes[49_999_999]]).toEqual([7, (49_999_999 * 7) % 251])
  })
}
