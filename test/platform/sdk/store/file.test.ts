import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testStore } from '../stores.conformance.ts'

testStore({
  name: 'file',
  async open() {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-store-'))
    return { url: `file:${folder}`, close: () => rm(folder, { recursive: true }) }
  },
})
