import { afterEach, expect, it, vi } from 'vitest'
import { secret, UserError } from '../../../../platform/sdk/index.ts'
import { cloudError } from '../../../../platform/sdk/store/cloud-errors.ts'

afterEach(() => vi.unstubAllEnvs())

it.each([400, 401, 403, 404, 409, 412, 301])('what a cloud refuses with %i is for a person to mend', (status) => {
  expect(cloudError('store gs://b: cannot read a', 'No.', status)).toBeInstanceOf(UserError)
})

it.each([408, 429, 500, 503, undefined])('what fails with %s may be tried again', (status) => {
  expect(cloudError('store gs://b: cannot read a', 'Not now.', status)).not.toBeInstanceOf(UserError)
})

it('the words of a cloud are put in one line, without secrets', () => {
  vi.stubEnv('CLOUD_BUCKET', 'customer-4711')
  secret('cloud-bucket')
  const words = 'Access denied:\n  bucket customer-4711\n'
  expect(cloudError('store gs://secret://cloud-bucket: cannot read a', words, 403).message).toBe(
    'store gs://secret://cloud-bucket: cannot read a: Access denied: bucket [redacted]',
  )
})
