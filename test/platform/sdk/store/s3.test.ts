import { fakeS3 } from '../../../fakes/s3.ts'
import { testStore } from '../stores.conformance.ts'

testStore({
  name: 's3',
  async open() {
    const fake = await fakeS3(['bucket'], { accessKeyId: 'AKIATEST', pageSize: 100 })
    process.env.AWS_ENDPOINT_URL = fake.endpoint
    process.env.AWS_ACCESS_KEY_ID = 'AKIATEST'
    process.env.AWS_SECRET_ACCESS_KEY = 'not checked'
    return { url: 's3://bucket', fake, close: fake.close }
  },
})
