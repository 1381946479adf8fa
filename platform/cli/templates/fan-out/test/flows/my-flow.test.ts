import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import myFlow from '../../flows/my-flow/flow.ts'
import { linesOf } from '../../flows/my-flow/lines.ts'
import { measure } from '../../flows/my-flow/measure.ts'
import { plan } from '../../flows/my-flow/plan.ts'
import { reduce } from '../../flows/my-flow/reduce.ts'

const FLOW = new URL('../../flows/my-flow/', import.meta.url)
const FIXTURES = new URL('fixtures/data', FLOW).href

let folder: string
let source: string
let sink: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'my-flow-test-'))
  mkdirSync(join(folder, 'in'))
  source = pathToFileURL(join(folder, 'in')).href
  sink = pathToFileURL(join(folder, 'out')).href
})
afterEach(() => rmSync(folder, { recursive: true }))

const given = (name: string, text: string): void => writeFileSync(join(folder, 'in', name), text)
const summary = (): unknown => JSON.parse(readFileSync(join(folder, 'out/summary.json'), 'utf8'))

describe('plan', () => {
  it('makes a part of each object, the largest first', async () => {
    given('a.jsonl', '1')
    given('b.jsonl', '123')
    given('notes.txt', '12345')
    expect(await plan(source, '')).toEqual([
      { path: 'b.jsonl', size: 3 },
      { path: 'a.jsonl', size: 1 },
    ])
  })

  it('says so where there is nothing', async () => {
    await expect(plan(source, '2026-')).rejects.toThrow('no .jsonl object starts with "2026-"')
  })
})

describe('measure', () => {
  it('knows each station, and leaves out what is not plausible', async () => {
    expect(await measure({ path: '2026-01.jsonl', size: 141 }, FIXTURES)).toEqual({
      stations: {
        north: { count: 2, sum: -1, lowest: -4.5, highest: 3.5 },
        south: { count: 1, sum: 11, lowest: 11, highest: 11 },
      },
      leftOut: 1,
    })
  })

  it('names the line that it cannot read', async () => {
    given('a.jsonl', '{"station": "north", "value": 1}\n{"station": "north"}\n')
    await expect(measure({ path: 'a.jsonl', size: 54 }, source)).rejects.toThrow('a.jsonl, line 2: expected a reading')
  })

  it('reads lines and letters that come in two pieces', async () => {
    const bytes = Buffer.from('north\r\nsüd\nwest')
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for (const byte of bytes) yield Uint8Array.of(byte)
    }
    const heard: number[] = []
    expect(await Array.fromAsync(linesOf(pieces(), (done) => heard.push(done)))).toEqual(['north', 'süd', 'west'])
    expect(heard.at(-1)).toBe(bytes.length)
  })
})

it('reduce adds up what two parts know of one station', async () => {
  const part = (value: number) => ({
    stations: { south: { count: 1, sum: value, lowest: value, highest: value } },
    leftOut: 1,
  })
  await reduce([part(11), part(14)], sink)
  expect(summary()).toEqual({
    stations: [{ station: 'south', count: 2, mean: 12.5, lowest: 11, highest: 14 }],
    leftOut: 2,
  })
})

it('measures all objects, and writes a summary', async () => {
  expect(await myFlow({ source: FIXTURES, sink })).toEqual({ parts: 2, stations: 3, leftOut: 1 })
  expect(summary()).toMatchObject({
    stations: [
      { station: 'north', mean: -0.5 },
      { station: 'south', mean: 12.5 },
      { station: 'west', mean: 9 },
    ],
  })
})
