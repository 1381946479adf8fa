import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { flow } from '@millrace/sdk'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { gatherParams } from '../../../platform/cli/params.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-params-'))
afterAll(() => rmSync(folder, { recursive: true }))

const example = flow(
  {
    name: 'example',
    params: z.object({
      name: z.string().default(''),
      count: z.int().default(1),
      ratio: z.number().optional(),
      on: z.boolean().default(false),
      model: z.enum(['a', 'b']).default('a'),
      water: z.array(z.int()).default([]),
      words: z.array(z.string()).default([]),
      limits: z.object({ most: z.int(), least: z.int().default(0) }).prefault({ most: 3 }),
      map: z.record(z.string(), z.array(z.string())).default({}),
      chosen: z.array(z.string()).nullable().default(null),
      either: z.union([z.int(), z.string()]).optional(),
      'dotted.name': z.string().optional(),
    }),
  },
  async (params) => params,
)
const gather = (...param: string[]): Promise<Record<string, unknown>> => gatherParams(folder, example, { param })

describe('a parameter on the command line', () => {
  it.each([
    ['name=Ada', { name: 'Ada' }],
    ['name=12', { name: '12' }],
    ['name=', { name: '' }],
    ['name=a=b', { name: 'a=b' }],
    ['count=12', { count: 12 }],
    ['ratio=1e-3', { ratio: 0.001 }],
    ['on=true', { on: true }],
    ['on=false', { on: false }],
    ['model=b', { model: 'b' }],
    ['water=1,2,3', { water: [1, 2, 3] }],
    ['water=[1,2]', { water: [1, 2] }],
    ['water=', { water: [] }],
    ['words=a, b', { words: ['a', 'b'] }],
    ['words=["a,b"]', { words: ['a,b'] }],
    ['limits.most=5', { limits: { most: 5 } }],
    ['limits={"most":5}', { limits: { most: 5 } }],
    ['map={"rain":["crop"]}', { map: { rain: ['crop'] } }],
    ['map.rain=crop,kind', { map: { rain: ['crop', 'kind'] } }],
    ['chosen=null', { chosen: null }],
    ['chosen=a,b', { chosen: ['a', 'b'] }],
    ['either=7', { either: 7 }],
    ['either=x', { either: 'x' }],
    ['dotted.name=x', { 'dotted.name': 'x' }],
  ])('%s is read by what the flow asks for', async (text, expected) => {
    expect(await gather(text)).toEqual(expected)
  })

  it('that does not fit stays text, for the flow to name it', async () => {
    const params = await gather('count=many')
    expect(() => example.definition.parse(params)).toThrow(
      'flow example: parameter count: expected a whole number, got "many"',
    )
  })

  it('without "=" is a mistake', async () => {
    await expect(gather('count')).rejects.toThrow('--param count: expected name=value')
  })

  it('wins over the file, which wins over the fixture; fields of an object are set one by one', async () => {
    const file = join(folder, 'p.json')
    writeFileSync(file, JSON.stringify({ name: 'file', count: 5, limits: { most: 7, least: 2 } }))
    const params = await gatherParams(folder, example, { paramsFile: file, param: ['count=6', 'limits.most=8'] })
    expect(params).toEqual({ name: 'file', count: 6, limits: { most: 8, least: 2 } })
  })
})

describe('a file of parameters', () => {
  it('that is missing is named', async () => {
    await expect(gatherParams(folder, example, { paramsFile: '/nowhere/p.json' })).rejects.toThrow(
      '--params-file: there is no file /nowhere/p.json',
    )
  })

  it('that is not JSON, or not an object, is named', async () => {
    const file = join(folder, 'bad.json')
    writeFileSync(file, '{"a":')
    await expect(gatherParams(folder, example, { paramsFile: file })).rejects.toThrow(/bad\.json is not JSON/)
    writeFileSync(file, '[1]')
    await expect(gatherParams(folder, example, { paramsFile: file })).rejects.toThrow(/expected a JSON object/)
  })

  it('may be a fixture of the flow', async () => {
    await expect(gatherParams(folder, example, { fixture: 'none' })).rejects.toThrow(/--fixture: there is no file/)
  })
})
