import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleFlow } from '@millrace/release'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { fakeGcs } from '../fakes/gcs.ts'
import type { ObjectStoreFake } from '../fakes/object-store.ts'
import { flowModule, makeProject } from '../platform/release/project.ts'
import { mistakeOf } from '../platform/sdk/failure.ts'

let temporary: string
let gcs: ObjectStoreFake
let bring: typeof import('../../images/runtime/bring-bundle.ts')
let home: string
let url: string
let digest: string
const objects = (): Map<string, Buffer> => gcs.objects('bundles')

beforeAll(async () => {
  temporary = mkdtempSync(join(tmpdir(), 'millrace-bring-'))
  process.env.TMPDIR = temporary
  gcs = await fakeGcs(['bundles'])
  process.env.STORAGE_EMULATOR_HOST = gcs.endpoint
  bring = await import('../../images/runtime/bring-bundle.ts')
  home = (await import('../../images/runtime/home.ts')).HOME
})
afterAll(async () => {
  delete process.env.STORAGE_EMULATOR_HOST
  await gcs.close()
  rmSync(temporary, { recursive: true, force: true })
})

beforeEach(async () => {
  rmSync(home, { recursive: true, force: true })
  objects().clear()
  const project = makeProject({
    'flows/rain/flow.ts': flowModule('rain'),
    'flows/rain/sql/one.sql': 'select 1\n',
  })
  const bundle = await bundleFlow(project.root, 'rain')
  project.remove()
  digest = bundle.digest
  url = `gs://bundles/team/rain/${digest}.mjs`
  objects().set(`team/rain/${digest}.mjs`, Buffer.from(bundle.code))
  objects().set(`team/rain/${digest}.mjs.map`, Buffer.from('{}'))
  objects().set(`team/rain/${digest}/flows/rain/sql/one.sql`, Buffer.from('select 1\n'))
})

describe('a bundle that is brought', () => {
  it('is below the home, at the same path on every machine, with its files', async () => {
    expect(await bring.bringBundle(url)).toEqual({ flow: 'rain', path: `bundles/rain/${digest}.mjs`, digest })
    expect(existsSync(join(home, 'bundles/rain', digest, 'flows/rain/sql/one.sql'))).toBe(true)
    expect(existsSync(join(home, 'bundles/rain', `${digest}.mjs.map`))).toBe(true)
  })

  it('is not asked for again', async () => {
    await bring.bringBundle(url)
    objects().clear()
    expect((await bring.bringBundle(url)).digest).toBe(digest)
  })

  it('does without its map', async () => {
    objects().delete(`team/rain/${digest}.mjs.map`)
    expect((await bring.bringBundle(url)).digest).toBe(digest)
  })

  it('may be brought by several at once', async () => {
    const brought = await Promise.all([1, 2, 3].map(() => bring.bringBundle(url)))
    expect(new Set(brought.map((each) => each.digest))).toEqual(new Set([digest]))
  })

  it('is refused when it is another than its name says', async () => {
    objects().set(`team/rain/${digest}.mjs`, Buffer.from('export default 1'))
    expect(await mistakeOf(() => bring.bringBundle(url))).toMatch(/ is not what its name says: /)
  })

  it('is not there at all when one of its files is not', async () => {
    objects().delete(`team/rain/${digest}/flows/rain/sql/one.sql`)
    expect(await mistakeOf(() => bring.bringBundle(url))).toMatch(new RegExp(`^cannot bring the bundle ${url}: `))
    expect(existsSync(join(home, 'bundles/rain', `${digest}.mjs`))).toBe(false)
  })
})

it('an image without a flow says so', async () => {
  expect(await mistakeOf(() => bring.ownBundle())).toMatch(/^this image has no flow\nSet MILLRACE_BUNDLE /)
})
