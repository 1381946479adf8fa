import { fakeGcs } from '../../../fakes/gcs.ts'
import { testStore } from '../stores.conformance.ts'

testStore({
  name: 'gcs',
  async open() {
    const fake = await fakeGcs(['bucket'], 100)
    process.env.STORAGE_EMULATOR_HOST = fake.endpoint
    return { url: 'gs://bucket', fake, close: fake.close }
  },
})
