import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { DeliveryError } from './delivery.ts'

/*
 * Whoever may add a rule decides where an agent connects to. It is not to be led to what answers only to those inside:
 * the metadata server of its machine, which hands out the credentials of its service account to whoever asks, or what
 * listens beside it. The address is looked at that is connected to, after the name was looked up: a name may have
 * another address every time.
 */

/** Link-local addresses (with the metadata servers of all clouds), "this network", several receivers at once. */
const FORBIDDEN = new BlockList()
FORBIDDEN.addSubnet('169.254.0.0', 16, 'ipv4')
FORBIDDEN.addSubnet('0.0.0.0', 8, 'ipv4')
FORBIDDEN.addSubnet('224.0.0.0', 3, 'ipv4')
FORBIDDEN.addAddress('100.100.100.200', 'ipv4')
FORBIDDEN.addAddress('168.63.129.16', 'ipv4')
FORBIDDEN.addAddress('::', 'ipv6')
FORBIDDEN.addSubnet('fe80::', 10, 'ipv6')
FORBIDDEN.addSubnet('ff00::', 8, 'ipv6')
// The metadata server of Amazon and that of Google, by IPv6; and 169.254.0.0/16 behind a translator (NAT64).
FORBIDDEN.addAddress('fd00:ec2::254', 'ipv6')
FORBIDDEN.addAddress('fd20:ce::254', 'ipv6')
FORBIDDEN.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6')

const THIS_MACHINE = new BlockList()
THIS_MACHINE.addSubnet('127.0.0.0', 8, 'ipv4')
THIS_MACHINE.addAddress('::1', 'ipv6')

const METADATA = /^(metadata|metadata\.google\.internal|instance-data)\.?$/

/** What there is against connecting to a host: a name, or an address. Undefined: nothing. */
export function addressFault(host: string, { isLocal }: { readonly isLocal: boolean }): string | undefined {
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  if (METADATA.test(bare.toLowerCase())) return 'is the metadata server'
  const family = isIP(bare)
  if (family === 0) return undefined
  const kind = family === 4 ? 'ipv4' : 'ipv6'
  if (FORBIDDEN.check(bare, kind)) return 'is an address of the machine or network itself'
  const isHere = THIS_MACHINE.check(bare, kind)
  if (isLocal) return isHere ? undefined : 'is not this machine'
  return isHere ? 'is this machine' : undefined
}

/** Looks names up, for a connection, and fails where an address is one that must not be connected to. */
export function guardedLookup(options: {
  readonly isLocal: boolean
  /** @default that of the system */
  readonly lookup?: LookupFunction | undefined
}): LookupFunction {
  const { isLocal, lookup = systemLookup as LookupFunction } = options
  return (host: string, asked: LookupOptions, done) => {
    lookup(host, { ...asked, all: true }, (error, found) => {
      const all: LookupAddress[] = typeof found === 'string' ? [{ address: found, family: isIP(found) }] : found
      if (error) return done(error, '', 0)
      for (const { address } of all) {
        const fault = addressFault(address, { isLocal })
        if (fault) return done(refusal(host, fault, address), '', 0)
      }
      const [first] = all
      if (!first) return done(new DeliveryError(`${host} has no address`), '', 0)
      return asked.all ? done(null, all) : done(null, first.address, first.family)
    })
  }
}

/** Nothing is sent there. */
export function refusal(host: string, fault: string, address = host): DeliveryError {
  const where = address === host ? `${host} ${fault}` : `${host} leads to ${address}, which ${fault}`
  return new DeliveryError(`nothing is sent there: ${where}`, { isFinal: true })
}
