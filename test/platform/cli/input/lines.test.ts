import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { batchesOf, lineSource } from '../../../../platform/cli/input/lines.ts'
import { readParamSets } from '../../../../platform/cli/input/param-lines.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-lines-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(text: string): string {
  const path = join(folder, 'lines.jsonl')
  writeFileSync(path, text)
  return path
}

const sets = async (text: string, given = {}, keyField?: string) =>
  Array.fromAsync(readParamSets(await lineSource(file(text), '--params-file'), given, keyField))

describe('a file of parameters', () => {
  it('has an object on each line; blank lines, line ends and byte order marks do not matter', async () => {
    expect(await sets('\uFEFF{"tile":1}\r\n\n  \n{"tile":2}')).toEqual([
      { params: { tile: 1 } },
      { params: { tile: 2 } },
    ])
    expect(await sets('')).toEqual([])
  })

  it('counts less than what is on the command line', async () => {
    expect(await sets('{"tile":1,"model":"a"}', { model: 'b' })).toEqual([{ params: { tile: 1, model: 'b' } }])
  })

  it('has a key in each line where one is asked for', async () => {
    expect(await sets('{"tile":"a"}\n{"tile":[1,2]}', {}, 'tile')).toMatchObject([{ key: 'a' }, { key: '[1,2]' }])
    await expect(sets('{"tile":"a"}\n\n{"water":1}', {}, 'tile')).rejects.toThrow(
      /lines\.jsonl, line 3: --key-field tile: there is no such parameter/,
    )
    await expect(sets('{"tile":null}', {}, 'tile')).rejects.toThrow('there is no such parameter')
    await expect(sets('{}', {}, 'toString')).rejects.toThrow('there is no such parameter')
  })

  it('names the line that is wrong', async () => {
    await expect(sets('{}\n{"tile":')).rejects.toThrow(/lines\.jsonl, line 2 is not JSON: /)
    await expect(sets('{}\n[1]')).rejects.toThrow(/lines\.jsonl, line 2: expected a JSON object/)
  })

  it('must be there', async () => {
    await expect(lineSource(join(folder, 'no'), '--params-file')).rejects.toThrow(/^--params-file: there is no file /)
    await expect(lineSource(folder, '--params-file')).rejects.toThrow(/ is a folder$/)
  })
})

describe('batches', () => {
  async function* upTo(last: number): AsyncIterable<number> {
    for (let i = 1; i <= last; i++) yield i
  }

  it.each([
    [0, []],
    [2, [[1, 2]]],
    [5, [[1, 2], [3, 4], [5]]],
  ])('of %i things', async (last, expected) => {
    expect(await Array.fromAsync(batchesOf(upTo(last), 2))).toEqual(expected)
  })
})
