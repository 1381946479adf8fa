import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Store, store, UserError, withScope } from '../../../platform/sdk/index.ts'
import type { ObjectStoreFake } from '../../fakes/object-store.ts'
import { failureOf } from './failure.ts'
import { testScope } from './scope.ts'

/** A kind of store to be tried. */
export interface StoreSubject {
  /** For instance `s3`. */
  readonly name: string
  /** Makes a place that is empty. */
  open(): Promise<OpenStore>
}

export interface OpenStore {
  /** The place; the suite adds parts to it. */
  readonly url: string
  /** The service behind it, where that is a fake of a cloud's. */
  readonly fake?: ObjectStoreFake
  close(): Promise<void>
}

/** What every store that keeps things must do. */
export function testStore(subject: StoreSubject): void {
  describe(`a store of kind ${subject.name}`, () => {
    let place: OpenStore
    let here: Store
    let count = 0
    beforeAll(async () => {
      place = await subject.open()
    })
    afterAll(() => place.close())
    beforeEach(() => {
      here = store(`${place.url}/test-${++count}`)
    })

    describe('keeps what is written', () => {
      it('gives back text, JSON and bytes as they were', async () => {
        const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
        await here.write('text.txt', 'Grüße, 水')
        await here.writeJson('deep/er/data.json', { water: [1, 2], name: 'Pekel' })
        await here.write('bytes.bin', bytes)
        await here.write('empty', '')
        expect(await here.readText('text.txt')).toBe('Grüße, 水')
        expect(await here.readJson('deep/er/data.json')).toEqual({ water: [1, 2], name: 'Pekel' })
        expect(new Uint8Array(await here.read('bytes.bin'))).toEqual(bytes)
        expect(await here.readText('empty')).toBe('')
      })

      it('replaces what was there under the same path', async () => {
        await here.write('a', 'a long first version')
        await here.write('a', 'second')
        expect(await here.readText('a')).toBe('second')
      })

      it('takes every letter a name may have', async () => {
        const names = [
          'with space',
          'a+b&c=d',
          '100%',
          'q?#',
          'ü/é',
          "it's",
          '水.json',
          '..hidden',
          'x..',
          '[1]',
          '<&>"',
        ]
        await here.writeAll(names.map((name) => [name, name] as const))
        for (const name of names) expect(await here.readText(name)).toBe(name)
        expect((await pathsOf(here)).toSorted()).toEqual(names.toSorted())
      })

      it('keeps apart places of which one name starts with the other', async () => {
        await store(`${here.url}/area`).write('x', '1')
        await store(`${here.url}/area-2`).write('x', '2')
        expect(await pathsOf(store(`${here.url}/area`))).toEqual(['x'])
        expect(await pathsOf(here)).toEqual(['area-2/x', 'area/x'])
      })

      it('gives one whole version when several are written at once', async () => {
        const versions = Array.from({ length: 8 }, (_, index) => String(index).repeat(50_000 + index))
        await Promise.all(versions.map((version) => here.write('race', version)))
        expect(versions).toContain(await here.readText('race'))
        expect(await pathsOf(here)).toEqual(['race'])
      })

      it('creates an object only where there is none, and says whether it did', async () => {
        expect(await here.create('deep/a.json', 'first')).toBe(true)
        expect(await here.create('deep/a.json', Buffer.from('second'))).toBe(false)
        expect(await here.readText('deep/a.json')).toBe('first')
        await here.remove('deep/a.json')
        expect(await here.create('deep/a.json', Buffer.from('second'))).toBe(true)
        expect(await here.readText('deep/a.json')).toBe('second')
        expect(await pathsOf(here)).toEqual(['deep/a.json'])
      })

      it('says of what is there already as it would be created that it is', async () => {
        await here.write('a', 'Grüße')
        expect(await here.create('a', 'Grüße')).toBe(true)
        expect(await here.create('a', Buffer.from('Grüße'))).toBe(true)
        expect(await here.create('a', 'Grüsse')).toBe(false)
      })

      it('lets one of many creators win, and keeps all of what it wrote', async () => {
        // Long ones too, which the clouds take in pieces.
        for (const length of [50_000, 9 * 2 ** 20]) {
          const path = `race-${length}`
          const versions = Array.from({ length: 8 }, (_, index) => String(index).repeat(length))
          const won = await Promise.all(versions.map((version) => here.create(path, version)))
          expect(won.filter(Boolean).length).toBe(1)
          expect((await here.readText(path)) === versions[won.indexOf(true)]).toBe(true)
        }
        expect((await pathsOf(here)).length).toBe(2)
      })

      it('refuses what has no form in JSON, naming the path', async () => {
        await expect(here.writeJson('x.json', undefined)).rejects.toThrow(
          /x\.json: undefined cannot be written as JSON/,
        )
      })
    })

    describe('streams', () => {
      it('gives back the pieces of a stream in their order', async () => {
        await here.write('stream', numbered(50))
        const text = new TextDecoder().decode(await here.read('stream'))
        expect(text).toBe(Array.from({ length: 50 }, (_, index) => `piece ${index}\n`).join(''))
        const pieces = await Array.fromAsync(here.stream('stream'))
        expect(Buffer.concat(pieces).toString()).toBe(text)
      })

      it('keeps nothing of a stream that failed, and passes its error on', async () => {
        // Such as a driver gets from its own side too: whose it is, is known by where it came from.
        const failure = Object.assign(new RangeError('the source dried up'), { code: 'EACCES' })
        await here.write('old', 'the old version')
        await expect(here.write('old', failing(3, failure))).rejects.toBe(failure)
        await expect(here.write('new', failing(3, failure))).rejects.toBe(failure)
        expect(await here.readText('old')).toBe('the old version')
        expect(await pathsOf(here)).toEqual(['old'])
      })

      it('keeps nothing of a stream that failed after many megabytes', async () => {
        const failure = new RangeError('the source dried up late')
        await expect(here.write('big', failing(24, failure, 2 ** 20))).rejects.toBe(failure)
        expect(await here.exists('big')).toBe(false)
        expect(await pathsOf(here)).toEqual([])
      })

      it('lets a reader stop early', async () => {
        await here.write('long', Buffer.alloc(4 * 2 ** 20))
        for await (const piece of here.stream('long')) {
          expect(piece.length).toBeGreaterThan(0)
          break
        }
        expect(await here.exists('long')).toBe(true)
      })

      it('writes and reads 200 MB without holding them in memory', async () => {
        const script = new URL('store/big-object.ts', import.meta.url).pathname
        const small = await inOwnProcess(script, here.url, 1)
        const big = await inOwnProcess(script, here.url, 200)
        expect(big.read).toBe(200 * 2 ** 20)
        // Some of the parts on their way, and what waits for the garbage collector; not the object.
        expect(big.mostMemory - small.mostMemory).toBeLessThan(130 * 2 ** 20)
      })
    })

    describe('names what is not there', () => {
      it.each([
        ['read', (s: Store) => s.read('areas/none.json')],
        ['readText', (s: Store) => s.readText('areas/none.json')],
        ['readJson', (s: Store) => s.readJson('areas/none.json')],
        ['stream', (s: Store) => Array.fromAsync(s.stream('areas/none.json'))],
      ])('%s of a missing object is a mistake that names the store and the path', async (_name, act) => {
        const error = await failureOf(() => act(here))
        expect(error).toBeInstanceOf(UserError)
        expect(error.message).toBe(`store ${here.url}: there is no areas/none.json`)
      })

      it('says which object is not JSON', async () => {
        await here.write('broken.json', '{"a": ')
        const error = await failureOf(() => here.readJson('broken.json'))
        expect(error).toBeInstanceOf(UserError)
        expect(error.message).toContain(`store ${here.url}: broken.json is not JSON`)
      })

      it('knows what exists; a folder of objects is not an object', async () => {
        await here.write('a/b', 'x')
        expect(await here.exists('a/b')).toBe(true)
        expect(await here.exists('a/c')).toBe(false)
        expect(await here.exists('a')).toBe(false)
        expect(await here.exists('a/b/c')).toBe(false)
        await expect(here.read('a')).rejects.toThrow('there is no a')
      })
    })

    describe('lists', () => {
      it('gives path and size in order of path, by UTF-8 bytes', async () => {
        const paths = ['a/c', 'a-b', 'a/b/z', 'B', 'a0', 'ä', '\u{1f30a}', '\u{ff5e}', 'a/b.txt']
        for (const path of paths) await here.write(path, path)
        const entries = await Array.fromAsync(here.list())
        const sorted = paths.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        expect(entries).toEqual(sorted.map((path) => ({ path, size: Buffer.byteLength(path) })))
      })

      it('takes the start of a path, whole parts or not', async () => {
        for (const path of ['a/b/1', 'a/b/2', 'a/bc', 'a/d', 'ab', 'b']) await here.write(path, '')
        expect(await pathsOf(here, 'a/b')).toEqual(['a/b/1', 'a/b/2', 'a/bc'])
        expect(await pathsOf(here, 'a/b/')).toEqual(['a/b/1', 'a/b/2'])
        expect(await pathsOf(here, 'a')).toEqual(['a/b/1', 'a/b/2', 'a/bc', 'a/d', 'ab'])
        expect(await pathsOf(here, 'none/such/')).toEqual([])
      })

      it('is empty where nothing was ever written', async () => {
        expect(await pathsOf(here)).toEqual([])
      })

      it('gives all of many pages, and can be left in the middle', async () => {
        const paths = Array.from({ length: 250 }, (_, index) => `part/${String(index).padStart(3, '0')}`)
        await here.writeAll(paths.map((path) => [path, 'x'] as const))
        expect(await pathsOf(here)).toEqual(paths)
        for await (const { path } of here.list()) {
          expect(path).toBe('part/000')
          break
        }
      })
    })

    describe('removes', () => {
      it('one object, and nothing where there is none', async () => {
        await here.write('a/b', 'x')
        await here.write('a/c', 'x')
        await here.remove('a/b')
        await here.remove('a/b')
        await here.remove('never/there')
        await here.remove('a')
        expect(await pathsOf(here)).toEqual(['a/c'])
      })

      it('all objects whose path starts alike, and no other', async () => {
        const all = ['a/1', 'a/b/2', 'ab', 'b/a/1']
        const fill = (): Promise<number> => here.writeAll(all.map((path) => [path, 'x'] as const))
        await fill()
        await here.removeAll('a/')
        expect(await pathsOf(here)).toEqual(['ab', 'b/a/1'])
        await fill()
        await here.removeAll('a')
        expect(await pathsOf(here)).toEqual(['b/a/1'])
        await here.removeAll('')
        expect(await pathsOf(here)).toEqual([])
        await here.removeAll('a/')
      })

      it('and takes new objects in the same place afterwards', async () => {
        await here.write('a/1', 'x')
        await here.removeAll('')
        await here.write('a/1', 'again')
        expect(await here.readText('a/1')).toBe('again')
      })
    })

    describe('writes in bulk', () => {
      it('gives back what was written, and how many', async () => {
        function* entries(): Generator<readonly [string, string | Uint8Array]> {
          for (let index = 0; index < 500; index++) yield [`f${index % 7}/${index}.txt`, `number ${index}`]
          yield ['bytes', Uint8Array.of(0, 255)]
        }
        expect(await here.writeAll(entries())).toBe(501)
        expect(await here.readText('f3/10.txt')).toBe('number 10')
        expect([...(await here.read('bytes'))]).toEqual([0, 255])
        expect((await pathsOf(here)).length).toBe(501)
        expect(await here.writeAll([])).toBe(0)
      })

      it('stops at an entry that cannot be taken, and says which', async () => {
        const entries = [['good', 'x'] as const, ['../bad', 'x'] as const]
        await expect(here.writeAll(entries)).rejects.toThrow('path "../bad"')
      })

      it('passes an error of the entries themselves on', async () => {
        const failure = new RangeError('no more rows')
        function* entries(): Generator<readonly [string, string]> {
          yield ['a', 'x']
          throw failure
        }
        await expect(here.writeAll(entries())).rejects.toBe(failure)
      })

      it('stops when the run is cancelled', async () => {
        const cancel = new AbortController()
        const reason = new Error('the run was cancelled')
        function* forSeconds(): Generator<readonly [string, string]> {
          const end = performance.now() + 3000
          for (let index = 0; performance.now() < end; index++) yield [`${index % 100}`, 'x']
        }
        const writing = withScope(testScope({ signal: cancel.signal }), () => here.writeAll(forSeconds()))
        setTimeout(() => cancel.abort(reason), 30)
        await expect(writing).rejects.toBe(reason)
      })

      it('leaves other work of the thread its turn', async () => {
        let turns = 0
        const timer = setInterval(() => turns++, 5)
        function* slowly(): Generator<readonly [string, string]> {
          for (let index = 0; index < 160; index++) {
            const end = performance.now() + 1
            while (performance.now() < end);
            yield [`${index}`, 'x']
          }
        }
        await here.writeAll(slowly())
        clearInterval(timer)
        expect(turns).toBeGreaterThan(2)
      })
    })

    describe('is not left', () => {
      const outside = ['../x', 'a/../../x', '/etc/x', 'a/./b', '.', '..', 'a\\..\\x', '..\\x', 'a\0b', 'a//b', 'a/', '']
      it.each(outside.map((path) => [path]))('by the path %j', async (path) => {
        for (const act of [
          () => here.write(path, 'x'),
          () => here.writeJson(path, {}),
          () => here.create(path, 'x'),
          () => here.writeAll([[path, 'x']]),
          () => here.read(path),
          () => here.readText(path),
          () => here.readJson(path),
          async () => Array.fromAsync(here.stream(path)),
          () => here.exists(path),
          () => here.remove(path),
        ]) {
          const error = await failureOf(act)
          expect(error).toBeInstanceOf(UserError)
          expect(error.message).toContain(`store ${here.url}: path ${JSON.stringify(path)}: `)
        }
      })

      it.each([['../'], ['/'], ['a/../b'], ['..'], ['a//b'], ['a\\']])('by the prefix %j', async (prefix) => {
        const listed = await failureOf(async () => pathsOf(here, prefix))
        const removed = await failureOf(() => here.removeAll(prefix))
        for (const error of [listed, removed]) {
          expect(error).toBeInstanceOf(UserError)
          expect(error.message).toContain(`prefix ${JSON.stringify(prefix)}: `)
        }
      })
    })

    describe('with a secret in its URL', () => {
      it('works with what the reference stands for, and shows the reference', async () => {
        process.env.STORE_PLACE = `hidden-${count}`
        const hidden = store(`${here.url}/secret://store-place`)
        await hidden.write('a', 'x')
        expect(await here.readText(`hidden-${count}/a`)).toBe('x')
        expect(hidden.url).toBe(`${here.url}/secret://store-place`)
        for (const act of [
          () => hidden.read('none'),
          () => hidden.write('../x', 'x'),
          () => hidden.readJson('a'),
          () => hidden.write('a/b/c'.repeat(2000), 'x'),
        ]) {
          const error = await failureOf(act).catch(() => undefined)
          expect(String(error?.stack)).not.toContain(`hidden-${count}`)
        }
      })
    })

    testService(subject, () => place)
  })
}

/** What a store must do when the cloud behind it refuses or falters. */
function testService(subject: StoreSubject, place: () => OpenStore): void {
  const inBucket = (bucket: string): Store => store(place().url.replace(/^(\w+:\/\/)[^/]+.*$/, `$1${bucket}`))
  describe.runIf(subject.name === 'gcs' || subject.name === 's3')('over a cloud that refuses or falters', () => {
    const acts: [string, (s: Store) => Promise<unknown>][] = [
      ['write areas.json', (s) => s.write('areas.json', 'x')],
      ['write areas.json', (s) => s.write('areas.json', numbered(3))],
      ['write areas.json', (s) => s.writeAll([['areas.json', 'x']])],
      ['create areas.json', (s) => s.create('areas.json', 'x')],
      ['read areas.json', (s) => s.read('areas.json')],
      ['read areas.json', (s) => Array.fromAsync(s.stream('areas.json'))],
      ['list its objects', (s) => pathsOf(s)],
      ['remove areas.json', (s) => s.remove('areas.json')],
    ]

    it.each(acts)('says in one line, in the words of the cloud, that it may not %s', async (what, act) => {
      const denied = inBucket('denied')
      const error = await failureOf(() => act(denied))
      expect(error).toBeInstanceOf(UserError)
      expect(error.message).toMatch(new RegExp(`^store ${denied.url}: cannot ${what}: .*(access|Access Denied)`, 'i'))
      expect(error.message).not.toMatch(/[\n{}]/)
    })

    it.each(acts)('says that there is no such bucket when asked to %s', async (what, act) => {
      const nowhere = inBucket('nowhere')
      const error = await failureOf(() => act(nowhere))
      expect(error).toBeInstanceOf(UserError)
      expect(error.message).toMatch(/cannot .*: The specified bucket does not exist/)
      expect(error.message).toContain(what)
    })

    it('tries again when the cloud has too much to do', async () => {
      const here = store(`${place().url}/busy`)
      place().fake?.failWrites(5, 503)
      const entries = Array.from({ length: 100 }, (_, index) => [`many/${index}`, `text ${index}`] as const)
      const [, count] = await Promise.all([here.write('a', 'x'), here.writeAll(entries)])
      expect(count).toBe(100)
      expect((await pathsOf(here)).length).toBe(101)
      expect(await here.readText('many/0')).toBe('text 0')
    })

    it('knows an object as its own whose answer was lost when it was created', async () => {
      const here = store(`${place().url}/lost`)
      place().fake?.loseWriteAnswers(1)
      expect(await here.create('a', 'mine')).toBe(true)
      place().fake?.loseWriteAnswers(0)
      expect(await here.create('a', 'theirs')).toBe(false)
      expect(await here.readText('a')).toBe('mine')
    })

    it.runIf(subject.name === 's3')('asks again who has won, when another creator is at it', async () => {
      const here = store(`${place().url}/conflict`)
      place().fake?.failWrites(2, 409)
      expect(await here.create('a', 'mine')).toBe(true)
      await here.write('b', 'theirs')
      place().fake?.failWrites(1, 409)
      expect(await here.create('b', 'mine')).toBe(false)
    })

    it('gives up an upload whose source failed', async () => {
      const here = store(`${place().url}/given-up`)
      await failureOf(() => here.write('big', failing(24, new Error('dried up'), 2 ** 20)))
      expect(place().fake?.objects('bucket').has('given-up/big')).toBe(false)
      // Google's ends by itself after a week, and costs nothing until then; parts in S3 stay, and cost.
      if (subject.name === 's3') expect(place().fake?.unfinishedUploads()).toBe(0)
    })

    it('passes over the empty objects that consoles make to show folders', async () => {
      const here = store(`${place().url}/console`)
      await here.write('folder/a', 'x')
      const folder = new URL(here.url).pathname.slice(1)
      place().fake?.objects('bucket').set(`${folder}/folder/`, Buffer.of())
      expect(await pathsOf(here)).toEqual(['folder/a'])
    })
  })
}

async function pathsOf(from: Store, prefix?: string): Promise<string[]> {
  return (await Array.fromAsync(from.list(prefix))).map((entry) => entry.path)
}

async function* numbered(count: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index++) yield Buffer.from(`piece ${index}\n`)
}

async function* failing(after: number, error: Error, size = 10): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < after; index++) yield Buffer.alloc(size, index)
  throw error
}

/** Writes and reads an object in a process of its own. */
async function inOwnProcess(script: string, url: string, megabytes: number) {
  const run = await promisify(execFile)(process.execPath, [script, url, String(megabytes)])
  return JSON.parse(run.stdout) as { read: number; mostMemory: number }
}
