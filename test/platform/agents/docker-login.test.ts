import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { registryLogin, registryOf } from '../../../platform/agents/launchers/docker/registry-login.ts'

const IMAGE = 'europe-west1-docker.pkg.dev/example/millrace/flow-hello@sha256:0123'
const REGISTRY = 'europe-west1-docker.pkg.dev'

describe('who logs in where', () => {
  let folder: string
  const { PATH } = process.env
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-login-'))
    process.env.PATH = `${folder}${delimiter}${PATH}`
  })
  afterEach(() => {
    process.env.PATH = PATH
    rmSync(folder, { recursive: true })
  })

  function config(content: object): void {
    writeFileSync(join(folder, 'config.json'), JSON.stringify(content))
  }

  /** A credential helper that answers so. */
  function helper(name: string, script: string): void {
    const file = join(folder, `docker-credential-${name}`)
    writeFileSync(file, `#!/bin/sh\n[ "$1" = get ] || exit 9\nread -r registry\n${script}\n`)
    chmodSync(file, 0o755)
  }

  it('is anybody where the docker command knows nobody', async () => {
    expect(await registryLogin(IMAGE, folder)).toBeUndefined()
    config({ auths: { 'other.example': { auth: 'dTpw' } } })
    expect(await registryLogin(IMAGE, folder)).toBeUndefined()
  })

  it('is who "docker login" wrote down, however the registry was given', async () => {
    const auth = Buffer.from('user:pass:word').toString('base64')
    for (const key of [REGISTRY, `https://${REGISTRY}`, `https://${REGISTRY}/v1/`]) {
      config({ auths: { [key]: { auth } } })
      const login = { username: 'user', password: 'pass:word', serveraddress: REGISTRY }
      expect(await registryLogin(IMAGE, folder)).toEqual(login)
    }
    config({ auths: { [REGISTRY]: { auth: '', identitytoken: 'token' } } })
    expect(await registryLogin(IMAGE, folder)).toEqual({ identitytoken: 'token', serveraddress: REGISTRY })
  })

  it('is who the helper of the registry says', async () => {
    config({ credHelpers: { [REGISTRY]: 'test-cloud' }, credsStore: 'test-none' })
    helper('test-cloud', `echo "{\\"Username\\":\\"_dcgcloud_token\\",\\"Secret\\":\\"for $registry\\"}"`)
    const login = { username: '_dcgcloud_token', password: `for ${REGISTRY}`, serveraddress: REGISTRY }
    expect(await registryLogin(IMAGE, folder)).toEqual(login)
    helper('test-cloud', `echo '{"Username":"<token>","Secret":"t"}'`)
    expect(await registryLogin(IMAGE, folder)).toEqual({ identitytoken: 't', serveraddress: REGISTRY })
  })

  it('is anybody where the store of the machine has no such registry', async () => {
    config({ credsStore: 'test-none' })
    helper('test-none', 'echo "credentials not found in native keychain"; exit 1')
    expect(await registryLogin(IMAGE, folder)).toBeUndefined()
  })

  it('says which helper fails, and how', async () => {
    config({ credsStore: 'test-broken' })
    helper('test-broken', 'echo "the keychain is locked" >&2; exit 1')
    await expect(registryLogin(IMAGE, folder)).rejects.toThrow(
      `docker: docker-credential-test-broken does not say how to log in at ${REGISTRY}: the keychain is locked`,
    )
    config({ credsStore: 'test-missing' })
    await expect(registryLogin(IMAGE, folder)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('spawn docker-credential-test-missing ENOENT'),
    })
    writeFileSync(join(folder, 'config.json'), '{')
    await expect(registryLogin(IMAGE, folder)).rejects.toThrow(`docker: ${join(folder, 'config.json')}, which says how`)
  })

  it.each([
    [IMAGE, REGISTRY],
    ['localhost/hello', 'localhost'],
    ['registry:5000/hello:1', 'registry:5000'],
    ['millrace/flow-hello:abc', 'https://index.docker.io/v1/'],
    ['debian', 'https://index.docker.io/v1/'],
  ])('finds the registry of %s', (image, registry) => {
    expect(registryOf(image)).toBe(registry)
  })
})
