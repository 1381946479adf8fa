import { expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import type { Flow, MapItem, Settled, Task, TaskFuture } from '../../../platform/sdk/index.ts'
import { flow, skip, task } from '../../../platform/sdk/index.ts'

interface Tile {
  x: number
}

it('a task takes what its function takes, and promises what it gives', () => {
  const measure = task('measure', async (tile: Tile, scale: number, unit?: string) => `${tile.x * scale}${unit}`)
  expectTypeOf(measure).toEqualTypeOf<Task<[tile: Tile, scale: number, unit?: string | undefined], string>>()
  expectTypeOf(measure).parameters.toEqualTypeOf<[tile: Tile, scale: number, unit?: string | undefined]>()
  expectTypeOf(measure).returns.toEqualTypeOf<Promise<string>>()
  expectTypeOf(measure.submit).returns.toEqualTypeOf<TaskFuture<string>>()
  // @ts-expect-error: a tile is no text
  expectTypeOf(measure).toBeCallableWith('tile', 1)
})

it('a task with options, or of a function that is not async, is typed alike', () => {
  expectTypeOf(task('a', { retries: 3 }, async (x: number) => x)).toEqualTypeOf<Task<[x: number], number>>()
  expectTypeOf(task('b', (x: number) => [x])).toEqualTypeOf<Task<[x: number], number[]>>()
  expectTypeOf(task('c', async () => {})).toEqualTypeOf<Task<[], void>>()
  // @ts-expect-error: "soon" is no length of time
  expectTypeOf(() => task('d', { timeout: 'soon' }, async () => 1)).toBeFunction()
  // @ts-expect-error: there is no such option
  expectTypeOf(() => task('e', { retry: 3 }, async () => 1)).toBeFunction()
})

it('a map takes items of the first argument, and the rest once', () => {
  const measure = task('measure-map', async (tile: Tile, scale: number, unit?: string) => `${tile.x * scale}${unit}`)
  expectTypeOf(measure.map).parameters.toEqualTypeOf<
    [items: Iterable<Tile> | AsyncIterable<Tile>, scale: number, unit?: string | undefined]
  >()
  const map = measure.map([{ x: 1 }], 2)
  expectTypeOf<Awaited<typeof map>>().toEqualTypeOf<string[]>()
  const settled = measure.mapSettled([{ x: 1 }], 2)
  expectTypeOf<Awaited<typeof settled>>().toEqualTypeOf<Settled<string>[]>()
  const iterate = async (): Promise<void> => {
    for await (const item of map) expectTypeOf(item).toEqualTypeOf<MapItem<string>>()
    for await (const item of settled) expectTypeOf(item).toEqualTypeOf<MapItem<Settled<string>>>()
  }
  expectTypeOf(iterate).toBeFunction()
  // @ts-expect-error: the scale is missing
  expectTypeOf(() => measure.map([{ x: 1 }])).toBeFunction()
  // @ts-expect-error: these are no tiles
  expectTypeOf(() => measure.map(['a'], 2)).toBeFunction()
})

it('a map of a task whose only argument may be left out takes such items', () => {
  const maybe = task('maybe', async (x?: number) => x ?? 1)
  expectTypeOf(maybe.map).parameters.toEqualTypeOf<
    [items: Iterable<number | undefined> | AsyncIterable<number | undefined>]
  >()
})

it('a task that may skip may give undefined', () => {
  const even = task('even-typed', async (x: number) => (x % 2 ? skip('odd') : x))
  expectTypeOf(even).returns.toEqualTypeOf<Promise<number | undefined>>()
  const settled = even.mapSettled([1])
  expectTypeOf<Awaited<typeof settled>>().toEqualTypeOf<Settled<number | undefined>[]>()
})

it('with() and limit() keep the type', () => {
  const double = task('double-typed', async (x: number) => 2 * x)
  expectTypeOf(double.with({ retries: 2 })).toEqualTypeOf(double)
  expectTypeOf(double.limit(2)).toEqualTypeOf(double)
})

it('a flow takes what its parameters take, and its function gets what they give', () => {
  const predict = flow(
    {
      name: 'predict-typed',
      params: z.object({ water: z.array(z.int()), model: z.enum(['pekel', 'ndwi']).default('pekel') }),
      config: { dev: { sink: 'file:out' }, prod: { sink: 'gs://out' } },
    },
    async (params, run) => {
      expectTypeOf(params).toEqualTypeOf<{ water: number[]; model: 'pekel' | 'ndwi' }>()
      expectTypeOf(run.config).toEqualTypeOf<{ sink: string }>()
      return params.water.length
    },
  )
  expectTypeOf(predict)
    .parameter(0)
    .toEqualTypeOf<{ water: number[]; model?: 'pekel' | 'ndwi' | undefined } | undefined>()
  expectTypeOf(predict).returns.toEqualTypeOf<Promise<number>>()
})

it('a flow without parameters takes none', () => {
  const nothing = flow({ name: 'nothing-typed' }, (params) => {
    expectTypeOf(params).toEqualTypeOf<Record<string, never>>()
    return 'done'
  })
  expectTypeOf(nothing).toExtend<Flow>()
  expectTypeOf(nothing).returns.toEqualTypeOf<Promise<string>>()
})
