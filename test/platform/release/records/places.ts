import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Store, store } from '@millrace/sdk'
import { afterAll, beforeAll, describe } from 'vitest'
import { fakeGcs } from '../../../fakes/gcs.ts'

/** Does the same tests with record stores of each kind; `open` gives an empty one. */
export function withEachStore(name: string, tests: (open: () => Store) => void): void {
  let count = 0
  describe(`${name}, in a folder`, () => {
    let folder = ''
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'millrace-records-'))
    })
    afterAll(() => rm(folder, { recursive: true }))
    tests(() => store(`file:${folder}/${++count}`))
  })
  describe(`${name}, in a bucket`, () => {
    let close = async (): Promise<void> => {}
    beforeAll(async () => {
      const fake = await fakeGcs(['releases'], 100)
      process.env.STORAGE_EMULATOR_HOST = fake.endpoint
      close = fake.close
    })
    afterAll(async () => {
      delete process.env.STORAGE_EMULATOR_HOST
      await close()
    })
    tests(() => store(`gs://releases/${++count}`))
  })
}
