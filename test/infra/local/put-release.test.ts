import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'

/** The program that puts a release into the data of a stack of containers, as its container runs it: alone. */

const PROGRAM = join(import.meta.dirname, '../../../infra/local/put-release.ts')

let folder: string
let to: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-put-release-'))
  to = join(folder, 'data')
  mkdirSync(to)
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Puts these files, as a container that has nothing but Node would. */
function put(files: Readonly<Record<string, string>>): string {
  const from = mkdtempSync(join(folder, 'release-'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(from, path)), { recursive: true })
    writeFileSync(join(from, path), text)
  }
  const alone = join(from, '..', 'put-release.ts')
  writeFileSync(alone, readFileSync(PROGRAM))
  return execFileSync(process.execPath, [alone, from, to], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

const read = (path: string): string => readFileSync(join(to, path), 'utf8')

it('puts bundles, the record, and the pointer to it where they are looked for, and leaves no drafts', () => {
  const said = put({ 'releases/up.json': 'one', 'releases/releases/1.json': 'record', 'bundles/hello/a/in.sql': 'x' })
  expect(said).toBe(`3 files were put into ${to}\n`)
  expect([read('releases/up.json'), read('releases/releases/1.json'), read('bundles/hello/a/in.sql')]).toEqual([
    'one',
    'record',
    'x',
  ])
  expect(readdirSync(to, { recursive: true }).filter((path) => String(path).includes('file'))).toEqual([])
})

it('keeps releases before it, and what else is there', () => {
  put({ 'releases/up.json': 'one', 'releases/releases/1.json': 'record 1' })
  mkdirSync(join(to, 'releases/history'))
  writeFileSync(join(to, 'releases/history/00000001.json'), 'a rollback')
  put({ 'releases/up.json': 'two', 'releases/releases/2.json': 'record 2' })
  expect(read('releases/up.json')).toBe('two')
  expect(read('releases/releases/1.json')).toBe('record 1')
  expect(read('releases/history/00000001.json')).toBe('a rollback')
})

it('points to nothing that is not all there', () => {
  put({ 'releases/up.json': 'one' })
  // Where a bundle should be a folder is in its way.
  mkdirSync(join(to, 'bundles/hello/a.mjs'), { recursive: true })
  expect(() => put({ 'releases/up.json': 'two', 'bundles/hello/a.mjs': 'code' })).toThrow()
  expect(read('releases/up.json')).toBe('one')
})

it('goes on where one before it was killed', () => {
  mkdirSync(join(to, '.drafts'))
  writeFileSync(join(to, '.drafts/file'), 'half of a bund')
  put({ 'releases/up.json': 'one' })
  expect(read('releases/up.json')).toBe('one')
  expect(existsSync(join(to, '.drafts/file'))).toBe(false)
})
