import type { ResourcePolicy } from '../policy.ts'
import { at } from '../values.ts'

/** Kinds of keys, and what to use in their place. */
const KEYS: Readonly<Record<string, string>> = {
  'gcp:serviceaccount/key:Key':
    'remove it: workloads run as the account, and GitHub signs in through workload identity federation',
  'gcp:storage/hmacKey:HmacKey': 'remove it: read and write as a service account, with gs:// addresses',
  'gcp:projects/apiKey:ApiKey': 'remove it: call Google as a service account',
  'gcp:iam/workforcePoolProviderKey:WorkforcePoolProviderKey': 'remove it: use a provider that needs no key',
  'gcp:iam/oauthClientCredential:OauthClientCredential': 'remove it: IAP makes its own client',
  'gcp:sql/sslCert:SslCert': 'remove it: service accounts log in to the database as what they are',
}

const TOKEN = 'kubernetes.io/service-account-token'

export const noKeys: ResourcePolicy = {
  name: 'no-keys',
  description: 'No key of a service account, and no other credential that never ends, is made.',
  reason: 'A key works for whoever copies it, from anywhere, until somebody notices.',
  *resource({ type, inputs }) {
    const instead = KEYS[type]
    if (instead !== undefined) yield { property: 'type', wrong: `makes a key (${type})`, fix: instead }
    if (type === 'kubernetes:core/v1:Secret' && at(inputs, 'type') === TOKEN) {
      yield {
        property: 'type',
        wrong: `is "${TOKEN}", a token that never ends`,
        fix: 'remove it: pods get tokens of an hour by themselves',
      }
    }
  },
}
