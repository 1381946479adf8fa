import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { describe, expect, it } from 'vitest'
import { addressFault, guardedLookup } from '../../../../platform/agents/notify/addresses.ts'
import { destination, shownDestination } from '../../../../platform/agents/notify/destination.ts'

describe('where a notice goes', () => {
  it.each([
    ['https://example.org/hook', { kind: 'webhook', isLocal: false }],
    ['https://10.0.0.7/hook', { kind: 'webhook', isLocal: false }],
    ['http://localhost:8080/hook', { kind: 'webhook', isLocal: true }],
    ['http://127.0.0.1/hook', { kind: 'webhook', isLocal: true }],
    ['http://[::1]:80/hook', { kind: 'webhook', isLocal: true }],
    ['https://hooks.slack.com/services/T0/B0/x', { kind: 'slack', isLocal: false }],
    ['mailto:ada@example.org', { kind: 'mail', addresses: ['ada@example.org'] }],
    [
      'mailto:ada@example.org,bob%2Bruns@example.org',
      { kind: 'mail', addresses: ['ada@example.org', 'bob+runs@example.org'] },
    ],
  ])('may be %s', (to, expected) => {
    expect(destination(to)).toMatchObject(expected)
  })

  it.each([
    ['example.org', '--to: expected "https://…" or "mailto:somebody@example.org", got "example.org"'],
    ['ftp://example.org', '--to: expected "https://…"'],
    ['http://example.org/hook', '--to: http://example.org/hook: expected "https:"'],
    ['https://ada:geheim@example.org', '--to: https://example.org/: an address has no room for a password'],
    ['mailto:', '--to: "" is not an address'],
    ['mailto:ada', '--to: "ada" is not an address'],
    ['mailto:ada@example.org%0d%0aBcc:bob@example.org', 'is not an address'],
    ['mailto:%zz@example.org', 'is not an address'],
    ['mailto:ada@example.org?bcc=bob@example.org', 'expected addresses only, without "?"'],
  ])('may not be %s', (to, message) => {
    expect(() => destination(to)).toThrow(message)
    expect(() => destination(to)).not.toThrow('geheim')
  })

  it('is shown without what lets others write there', () => {
    const shown = shownDestination('https://hooks.slack.com/services/T0000/B0000/XXXXXXXX')
    expect(shown).toBe('https://hooks.slack.com/services/T…')
    expect(shownDestination('https://example.org/hook')).toBe('https://example.org/hook')
    expect(shownDestination('mailto:ada@example.org')).toBe('mailto:ada@example.org')
  })
})

describe('an address that is connected to', () => {
  it.each([
    '169.254.169.254',
    '[::ffff:169.254.169.254]',
    '[::ffff:a9fe:a9fe]',
    '[64:ff9b::a9fe:a9fe]',
    'metadata.google.internal',
    'Metadata.Google.Internal.',
    '[fe80::1]',
    '[fd20:ce::254]',
    '0.0.0.0',
    '255.255.255.255',
    '127.0.0.1',
    '[::1]',
  ])('is not %s', (host) => {
    expect(addressFault(host, { isLocal: false })).toBeDefined()
  })

  it.each(['93.184.215.14', '10.0.0.7', '[2606:2800:21f:cb07::1]', 'example.org'])('may be %s', (host) => {
    expect(addressFault(host, { isLocal: false })).toBeUndefined()
  })

  it('is this machine where that was asked for, and nothing else then', () => {
    expect(addressFault('127.0.0.1', { isLocal: true })).toBeUndefined()
    expect(addressFault('93.184.215.14', { isLocal: true })).toBe('is not this machine')
    expect(addressFault('169.254.169.254', { isLocal: true })).toBeDefined()
  })

  const look = (addresses: string[], all: boolean): Promise<unknown> => {
    const lookup: LookupFunction = (_host, _options, done) =>
      done(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    return new Promise((resolve, reject) => {
      guardedLookup({ isLocal: false, lookup })('example.org', { all }, (error, address) =>
        error ? reject(error) : resolve(address),
      )
    })
  }

  it.each([true, false])('is looked at after its name was looked up (all: %s)', async (all) => {
    await expect(look(['93.184.215.14', '169.254.169.254'], all)).rejects.toThrow(
      'nothing is sent there: example.org leads to 169.254.169.254, which is an address of the machine or network itself',
    )
    await expect(look(['::ffff:127.0.0.1'], all)).rejects.toThrow('which is this machine')
    await expect(look([], all)).rejects.toThrow('example.org has no address')
  })

  it('is given on where nothing is against it', async () => {
    expect(await look(['93.184.215.14', '2606::1'], false)).toBe('93.184.215.14')
    expect(await look(['93.184.215.14'], true)).toEqual([{ address: '93.184.215.14', family: 4 }])
  })

  it('may be looked up by the system', async () => {
    const found = await new Promise((resolve, reject) => {
      guardedLookup({ isLocal: true, lookup: systemLookup as LookupFunction })(
        'localhost',
        { all: true },
        (error, all) => (error ? reject(error) : resolve(all)),
      )
    })
    expect(found).toEqual(
      expect.arrayContaining([expect.objectContaining({ address: expect.stringMatching(/^(127\.|::1)/) })]),
    )
  })
})
