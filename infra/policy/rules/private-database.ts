import type { ResourcePolicy } from '../policy.ts'
import { at, is, isHidden, itemsAt } from '../values.ts'

const IP = 'settings.ipConfiguration'

export const privateDatabase: ResourcePolicy = {
  name: 'private-database',
  description: 'Cloud SQL has no address on the internet, and takes encrypted connections only.',
  reason: 'With a public address the password or a mistake in the list of networks is all that stands before the data.',
  *resource({ type, inputs }) {
    if (type !== 'gcp:sql/databaseInstance:DatabaseInstance') return
    const ipv4 = at(inputs, `${IP}.ipv4Enabled`)
    if (ipv4 !== false && !isHidden(ipv4)) {
      yield {
        property: `${IP}.ipv4Enabled`,
        wrong: `${is(ipv4)}${ipv4 === undefined ? ', which is true at Google' : ''}`,
        fix: 'set it to false and give privateNetwork',
      }
    }
    for (const { path } of itemsAt(inputs, `${IP}.authorizedNetworks`)) {
      yield { property: path, wrong: 'lets a network on the internet in', fix: 'remove it; connect inside the network' }
    }
    const ssl = at(inputs, `${IP}.sslMode`)
    if (ssl === undefined || ssl === 'ALLOW_UNENCRYPTED_AND_ENCRYPTED') {
      yield { property: `${IP}.sslMode`, wrong: is(ssl), fix: 'set it to "ENCRYPTED_ONLY"' }
    }
  },
}
