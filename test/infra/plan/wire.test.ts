import { describe, expect, it } from 'vitest'
import { SecretValue, Unknown } from '../../../infra/plan/planned-resource.ts'
import { fieldsFromWire, fromWire, secret, UNKNOWN } from '../../../infra/plan/wire.ts'

const SIGNATURE = '4dabf18193072939515e22adb298388d'
const database = 'urn:pulumi:dev::millrace::gcp:sql/databaseInstance:DatabaseInstance::database'
const network = 'urn:pulumi:dev::millrace::gcp:compute/network:Network::network'

describe('a value on the wire', () => {
  it('that JSON can say is taken as it is', () => {
    const value = { a: [1, 'two', null, { b: false }] }
    expect(fromWire(value)).toEqual(value)
  })

  it('that is unknown is told from a text, at any depth', () => {
    expect(fromWire([{ host: UNKNOWN }])).toEqual([{ host: new Unknown() }])
    expect(fromWire(`${UNKNOWN}x`)).toBe(`${UNKNOWN}x`)
  })

  it('that is unknown comes from the one resource it depends on', () => {
    const fields = { host: UNKNOWN, both: UNKNOWN, none: UNKNOWN }
    const values = fieldsFromWire(fields, { host: [database], both: [database, network] })
    expect(Object.values(values).map(String)).toEqual(['<database.?>', '<?>', '<?>'])
  })

  it('that is secret keeps it, also when it is unknown', () => {
    expect(fromWire({ password: secret('hunter2') })).toEqual({ password: new SecretValue() })
    expect(fromWire(secret(UNKNOWN))).toEqual(new SecretValue())
    expect(secret(secret('x'))).toEqual(secret('x'))
  })

  it('that is an output is unknown without a value, and secret when it says so', () => {
    const output = (rest: object) => fromWire({ [SIGNATURE]: 'd0e6a833031e9bbcd3f4e8bde6ca49a4', ...rest })
    expect(output({ value: ['a'] })).toEqual(['a'])
    expect(output({ value: 'a', secret: true })).toEqual(new SecretValue())
    expect(String(output({ dependencies: [database] }))).toBe('<database.?>')
  })

  it('that is a resource is its id, its URN where it has none, or unknown until it has one', () => {
    const resource = (rest: object) =>
      fromWire({ [SIGNATURE]: '5cf8f73096256a8f31e491e813e4eb8e', urn: network, ...rest })
    expect(resource({ id: 'projects/p/global/networks/n' })).toBe('projects/p/global/networks/n')
    expect(resource({})).toBe(network)
    expect(String(resource({ id: UNKNOWN }))).toBe('<network.id>')
    expect(String(resource({ id: '' }))).toBe('<network.id>')
  })

  it('that is a file or a folder says which', () => {
    const file = { [SIGNATURE]: 'c44067f5952c0a294b673a41bacd8c17', path: 'main.py' }
    expect(fromWire(file)).toEqual({ asset: { path: 'main.py' } })
    expect(fromWire({ [SIGNATURE]: '0def7320c3a5731c473e5ecbe6d01bc7', assets: { a: file } })).toEqual({
      archive: { assets: { a: { asset: { path: 'main.py' } } } },
    })
  })

  it('of a kind that nobody here knows is an error, not a guess', () => {
    expect(() => fromWire({ [SIGNATURE]: 'new' })).toThrow(/signature new/)
  })
})
