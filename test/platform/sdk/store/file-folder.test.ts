import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { store } from '../../../../platform/sdk/index.ts'
import { mistakeOf } from '../failure.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-file-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('the folder of a file: URL', () => {
  it.each([
    ['file:out', () => join(process.cwd(), 'out')],
    ['file:./out/deep/', () => join(process.cwd(), 'out/deep')],
    ['file:.', () => process.cwd()],
    ['file:../out', () => join(process.cwd(), '../out')],
    ['file:/data/out', () => '/data/out'],
    ['file:///data/out/', () => '/data/out'],
    ['file://localhost/data/out', () => '/data/out'],
    ['file:///', () => '/'],
    ['file:/data/two%20words', () => '/data/two words'],
    ['file:/data/two words', () => '/data/two words'],
    ['file:/data/100%25', () => '/data/100%'],
    ['file:/data/q?#1', () => '/data/q?#1'],
    ['file:/data/gr%C3%BC%C3%9Fe', () => '/data/grüße'],
    ['FILE:/data/out', () => '/data/out'],
  ])('%s', (url, expected) => {
    expect(store(url).folder).toBe(expected())
  })

  it.each([
    ['file:', 'store file:: the path is missing\nThe working folder is file:. (with a dot).'],
    [
      'file://out/a',
      /^store file:\/\/out\/a: what follows "file:\/\/" up to the next "\/" would be another computer\n/,
    ],
    [
      'file:/data/100%',
      'store file:/data/100%: "%" starts an encoded letter such as %20\nA "%" of the name itself is %25.',
    ],
    ['file:/data/a%00b', 'store file:/data/a%00b: a path has no NUL character'],
  ])('%s is refused', async (url, expected) => {
    const mistake = await mistakeOf(() => store(url))
    if (typeof expected === 'string') expect(mistake).toBe(expected)
    else expect(mistake).toMatch(expected)
  })

  it('is made when something is first written, and not before', async () => {
    const late = store(`file:${folder}/late/and deep`)
    expect(await late.exists('a')).toBe(false)
    expect(existsSync(`${folder}/late`)).toBe(false)
    await late.write('a/b', 'x')
    expect(await readFile(`${folder}/late/and deep/a/b`, 'utf8')).toBe('x')
  })

  it('is the same after the process has changed its working folder', async () => {
    const before = process.cwd()
    process.chdir(folder)
    const relative = store('file:here')
    process.chdir(before)
    await relative.write('a', 'x')
    expect(existsSync(`${folder}/here/a`)).toBe(true)
  })
})

describe('a write that does not come to its end', () => {
  it('is not seen while it lasts', async () => {
    const here = store(`file:${folder}/unfinished`)
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(100_000)
      await held
      yield Buffer.alloc(1)
    }
    const writing = here.write('big', slow())
    await until(async () => (await readdir(`${folder}/unfinished`).catch(() => [])).length > 0)
    expect(await Array.fromAsync(here.list())).toEqual([])
    expect(await here.exists('big')).toBe(false)
    release()
    await writing
    expect(await Array.fromAsync(here.list())).toEqual([{ path: 'big', size: 100_001 }])
    expect(await readdir(`${folder}/unfinished`)).toEqual(['big'])
  })

  it('leaves no object when its process is killed, and what it does leave goes with removeAll', async () => {
    const here = store(`file:${folder}/killed`)
    const sdk = new URL('../../../../platform/sdk/index.ts', import.meta.url).href
    const script = `
      import { store } from '${sdk}'
      async function* endless() { for (;;) { yield Buffer.alloc(1000); await new Promise((r) => setTimeout(r, 5)) } }
      await store('${here.url}').write('sub/big', endless())`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script])
    await until(async () => (await readdir(`${folder}/killed/sub`).catch(() => [])).length > 0)
    await killed(child)
    expect((await readdir(`${folder}/killed/sub`)).length).toBe(1)
    expect(await Array.fromAsync(here.list())).toEqual([])
    expect(await here.exists('sub/big')).toBe(false)
    await here.removeAll('sub/')
    expect(existsSync(`${folder}/killed/sub`)).toBe(false)
  })

  it('has a name that no object may have', async () => {
    const mistake = await mistakeOf(() => store('file:out').write('a/.millrace-0123456789abcdef.part', 'x'))
    expect(mistake).toContain('those of unfinished files')
  })
})

describe('a folder that does not take it', () => {
  it.skipIf(process.platform === 'win32')('says in one line that it may not be written to', async () => {
    const locked = `${folder}/locked`
    await mkdir(locked)
    await writeFile(`${locked}/old`, 'old')
    await chmod(locked, 0o555)
    await chmod(folder, 0o755)
    const here = store(`file:${locked}`)
    await asNobody(async () => {
      const expected = `store file:${locked}: cannot write report.csv: permission denied (EACCES)`
      expect(await mistakeOf(() => here.write('report.csv', 'x'))).toBe(expected)
      expect(await mistakeOf(() => here.write('report.csv', pieces()))).toBe(expected)
      expect(await mistakeOf(() => here.writeAll([['report.csv', 'x']]))).toBe(expected)
      expect(await mistakeOf(() => here.remove('old'))).toMatch(/cannot remove old: permission denied/)
      expect(await mistakeOf(() => here.write('sub/report.csv', 'x'))).toMatch(/cannot write sub.*permission denied/)
    }).finally(() => chmod(locked, 0o755))
  })

  it.runIf(existsSync('/proc/self'))('says so where no folder can be made at all', async () => {
    const here = store('file:/proc/millrace/out')
    const expected = 'store file:/proc/millrace/out: cannot write a: its folder cannot be made (ENOENT)'
    expect(await mistakeOf(() => here.write('a', 'x'))).toBe(expected)
    expect(await mistakeOf(() => here.writeAll([['a', 'x']]))).toBe(expected)
  })

  it('says that an object is in the way of a folder, and a folder in the way of an object', async () => {
    const here = store(`file:${folder}/way`)
    await here.write('a', 'x')
    await here.write('b/c', 'x')
    for (const write of [(path: string) => here.write(path, 'y'), (path: string) => here.writeAll([[path, 'y']])]) {
      expect(await mistakeOf(() => write('a/b/c'))).toMatch(
        /cannot write a\/b\/c: a part of its path is an object already/,
      )
      expect(await mistakeOf(() => write('b'))).toMatch(/cannot write b: there are objects below it/)
    }
    expect(await here.readText('a')).toBe('x')
    expect(await readdir(here.folder ?? '')).toEqual(['a', 'b'])
  })

  it.runIf(existsSync('/dev/full'))('says that the disk is full, and leaves no short file', async () => {
    const here = store(`file:${folder}/full`)
    await mkdir(`${folder}/full`)
    await symlink('/dev/full', `${folder}/full/a`)
    const mistake = await mistakeOf(() => here.writeAll([['a', 'xyz']]))
    expect(mistake).toBe(`store file:${folder}/full: cannot write a: the disk is full (ENOSPC)`)
    expect(await readdir(`${folder}/full`)).toEqual([])
    expect(existsSync('/dev/full')).toBe(true)
  })

  it('says that a name is too long', async () => {
    const mistake = await mistakeOf(() => store(`file:${folder}/long`).write('x'.repeat(300), 'y'))
    expect(mistake).toMatch(/too long for the disk \(ENAMETOOLONG\)$/)
  })
})

describe('links in the folder', () => {
  it('to files are objects; those to folders are neither listed nor followed by removeAll', async () => {
    await mkdir(`${folder}/elsewhere`)
    await writeFile(`${folder}/elsewhere/kept`, 'kept')
    const here = store(`file:${folder}/links`)
    await here.write('a', 'x')
    await symlink(`${folder}/elsewhere/kept`, `${folder}/links/file`)
    await symlink(`${folder}/elsewhere`, `${folder}/links/folder`)
    await symlink(`${folder}/links`, `${folder}/links/loop`)
    await symlink(`${folder}/nowhere`, `${folder}/links/dangling`)
    expect((await Array.fromAsync(here.list())).map((entry) => entry.path)).toEqual(['a', 'file'])
    await here.removeAll('')
    expect(await readdir(`${folder}/links`)).toEqual([])
    expect(await readFile(`${folder}/elsewhere/kept`, 'utf8')).toBe('kept')
  })
})

describe('bulk writes', () => {
  it('make a folder again that somebody removed meanwhile', async () => {
    const here = store(`file:${folder}/again`)
    function* entries(): Generator<readonly [string, string]> {
      yield ['a/first', 'x']
      rmSync(`${folder}/again/a`, { recursive: true })
      yield ['a/last', 'x']
    }
    expect(await here.writeAll(entries())).toBe(2)
    expect(await here.readText('a/last')).toBe('x')
  })

  it('make files with the rights that single writes give', async () => {
    const here = store(`file:${folder}/plain`)
    await here.writeAll([['a', 'x']])
    await here.write('b', 'x')
    expect((await stat(`${folder}/plain/a`)).mode).toBe((await stat(`${folder}/plain/b`)).mode)
  })
})

async function* pieces(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('x')
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('waited in vain')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function killed(child: ChildProcess): Promise<void> {
  await new Promise((resolve) => {
    child.once('exit', resolve)
    child.kill('SIGKILL')
  })
}

/** Folder permissions do not stop root: be somebody else for a while. */
async function asNobody(act: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return act()
  process.seteuid?.(65534)
  try {
    await act()
  } finally {
    process.seteuid?.(0)
  }
}

it('is written to by two who need the same folders at the same moment', async () => {
  const gate = new SharedArrayBuffer(4)
  const url = `file:${join(folder, 'together')}`
  const failures = await Promise.all(
    [0, 1].map(
      (thread) =>
        new Promise<number>((resolve, reject) => {
          const workerData = { url, gate, thread, rounds: 300 }
          const worker = new Worker(new URL('./same-folders.ts', import.meta.url), { workerData })
          worker.once('message', resolve).once('error', reject)
        }),
    ),
  )
  expect(failures).toEqual([0, 0])
})
