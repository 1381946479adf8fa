import { generateKeyPairSync, sign } from 'node:crypto'

/** A certificate that nobody has vouched for, and its key, in PEM. */
export interface SelfSigned {
  readonly cert: string
  readonly key: string
}

const TAG = { integer: 2, bits: 3, octets: 4, oid: 6, utf8: 12, utcTime: 23, sequence: 48, set: 49 } as const
const ECDSA_SHA256 = Buffer.from('2a8648ce3d040302', 'hex')
const COMMON_NAME = Buffer.from('550403', 'hex')
const ALTERNATIVE_NAMES = Buffer.from('551d11', 'hex')

/** Makes a certificate for `localhost`, valid around `now`: written by hand (RFC 5280), for Node reads them only. */
export function selfSigned(now = new Date()): SelfSigned {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = der(TAG.sequence, der(TAG.oid, ECDSA_SHA256))
  const name = der(
    TAG.sequence,
    der(TAG.set, der(TAG.sequence, der(TAG.oid, COMMON_NAME), der(TAG.utf8, Buffer.from('localhost')))),
  )
  const day = 86_400_000
  const validity = der(TAG.sequence, utcTime(now.getTime() - day), utcTime(now.getTime() + day))
  const alternatives = der(TAG.sequence, der(0x82, Buffer.from('localhost')))
  const extension = der(TAG.sequence, der(TAG.oid, ALTERNATIVE_NAMES), der(TAG.octets, alternatives))
  const toBeSigned = der(
    TAG.sequence,
    der(0xa0, der(TAG.integer, Buffer.from([2]))),
    der(TAG.integer, Buffer.from([1])),
    algorithm,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(TAG.sequence, extension)),
  )
  const signature = der(TAG.bits, Buffer.from([0]), sign('sha256', toBeSigned, privateKey))
  const certificate = der(TAG.sequence, toBeSigned, algorithm, signature)
  const lines = certificate
    .toString('base64')
    .match(/.{1,64}/g)
    ?.join('\n')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** A value as DER writes it: what it is, how long it is, and its parts. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, Math.floor(length / 0x100), length % 0x100]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

function utcTime(time: number): Buffer {
  const digits = new Date(time).toISOString().replace(/\D/g, '').slice(2, 14)
  return der(TAG.utcTime, Buffer.from(`${digits}Z`))
}
