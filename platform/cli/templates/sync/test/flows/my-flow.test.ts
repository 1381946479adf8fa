import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { copy } from '../../flows/my-flow/copy.ts'
import myFlow from '../../flows/my-flow/flow.ts'
import { plan } from '../../flows/my-flow/plan.ts'

const FLOW = new URL('../../flows/my-flow/', import.meta.url)
const FIXTURES = new URL('fixtures/data', FLOW).href
const SHA256_OF_ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'

let folder: string
let source: string
let sink: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'my-flow-test-'))
  mkdirSync(join(folder, 'in'))
  mkdirSync(join(folder, 'out'))
  source = pathToFileURL(join(folder, 'in')).href
  sink = pathToFileURL(join(folder, 'out')).href
})
afterEach(() => rmSync(folder, { recursive: true }))

const given = (name: string, text: string): void => writeFileSync(join(folder, 'in', name), text)
const output = (name: string): string => readFileSync(join(folder, 'out', name), 'utf8')

describe('copy', () => {
  it('copies an object, and says what it has copied', async () => {
    given('a.txt', 'abc')
    expect(await copy({ path: 'a.txt' }, source, sink)).toEqual({ path: 'a.txt', size: 3, sha256: SHA256_OF_ABC })
    expect(output('a.txt')).toBe('abc')
  })

  it('skips one that is what it was', async () => {
    given('a.txt', 'abc')
    const [settled] = await copy.mapSettled([{ path: 'a.txt', unless: SHA256_OF_ABC }], source, sink)
    expect(settled).toMatchObject({ status: 'skipped', reason: 'has not changed' })
  })
})

describe('plan', () => {
  const planned = (more: { full?: boolean; compare?: 'content' | 'size' } = {}): ReturnType<typeof plan> =>
    plan({ source, sink, prefix: '', full: false, compare: 'content', ...more })

  beforeEach(async () => {
    given('a.txt', 'abc')
    given('b.txt', 'b')
    await myFlow({ source, sink })
  })

  it('has what is new, what has another size, and what is no longer at the sink', async () => {
    given('b.txt', 'bb')
    given('c.txt', 'c')
    rmSync(join(folder, 'out/a.txt'))
    expect(await planned({ compare: 'size' })).toEqual({
      objects: [{ path: 'a.txt' }, { path: 'b.txt' }, { path: 'c.txt' }],
      unchanged: 0,
    })
  })

  it('looks at the others, or does not', async () => {
    expect((await planned()).objects[0]).toEqual({ path: 'a.txt', unless: SHA256_OF_ABC })
    expect(await planned({ compare: 'size' })).toEqual({ objects: [], unchanged: 2 })
  })

  it('has all, where all is asked for', async () => {
    expect((await planned({ full: true })).objects).toEqual([{ path: 'a.txt' }, { path: 'b.txt' }])
  })
})

describe('the flow', () => {
  it('copies all at first, nothing when it is repeated, and then what has changed', async () => {
    given('a.txt', 'abc')
    given('b.txt', 'b')
    expect(await myFlow({ source, sink })).toEqual({ copied: 2, unchanged: 0 })
    expect(await myFlow({ source, sink })).toEqual({ copied: 0, unchanged: 2 })
    given('a.txt', 'xyz')
    expect(await myFlow({ source, sink })).toEqual({ copied: 1, unchanged: 1 })
    expect(output('a.txt')).toBe('xyz')
    expect(await myFlow({ source, sink, full: true })).toEqual({ copied: 2, unchanged: 0 })
  })

  it('copies its fixtures', async () => {
    expect(await myFlow({ source: FIXTURES, sink })).toEqual({ copied: 3, unchanged: 0 })
    expect(output('2026/02.csv')).toBe('station,value\nsouth,14\n')
  })

  it('copies what it can, fails for the rest, and then needs only that', async () => {
    given('a.txt', 'a')
    given('b.txt', 'b')
    mkdirSync(join(folder, 'out/b.txt'))
    await expect(myFlow({ source, sink })).rejects.toThrow('1 of 2 objects were not copied; the first: ')
    rmSync(join(folder, 'out/b.txt'), { recursive: true })
    expect(await myFlow({ source, sink })).toEqual({ copied: 1, unchanged: 1 })
  })

  it('refuses to copy a store to itself', async () => {
    await expect(myFlow({ source, sink: source })).rejects.toThrow('is both source and sink')
  })
})
