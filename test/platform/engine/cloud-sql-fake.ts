import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type TLSSocket } from 'node:tls'
import { type Answer, type Ask, serve } from '../../fakes/serve.ts'

/** Where instances listen for those who come with a certificate. */
const PORT = 3307

export interface CloudSqlFakeOptions {
  /** Where the Postgres is to which logins are led: it must let in whom this fake lets in. */
  readonly postgres: { readonly host: string; readonly port: number }
  /** `PROJECT:REGION:INSTANCE` */
  readonly instance: string
  /** Of the service account whose credentials these are. */
  readonly email: string
  /** Whom the instance lets in. @default this account */
  readonly user?: string
}

/** A Cloud SQL instance, the Admin API that leads to it, and credentials of a service account. */
export interface CloudSqlFake {
  /** What a process must have in its environment to come here. */
  readonly environment: NodeJS.ProcessEnv
  /** Requests to the Admin API: `GET connectSettings`, `POST generateEphemeralCert`. */
  readonly requests: readonly string[]
  /** Connections that stand. */
  readonly connections: number
  /** What the Admin API answers from now on, instead of what it should. */
  answer: Answer | undefined
  /** What the instance says of itself, besides how to connect to it. */
  settings: Record<string, unknown>
  /** Breaks all connections. */
  breakOff(): void
  /** Lets nobody connect from now on. */
  stopListening(): Promise<void>
  close(): Promise<void>
}

/**
 * https://cloud.google.com/sql/docs/postgres/admin-api/rest/v1beta4/connect, and an instance as the connector knows it: it
 * asks for a client certificate that the Admin API made, and lets in the user whose token was given for it.
 */
export async function fakeCloudSql({ postgres, instance, email, user }: CloudSqlFakeOptions): Promise<CloudSqlFake> {
  const [project = '', region = '', name = ''] = instance.split(':')
  const folder = mkdtempSync(join(tmpdir(), 'millrace-cloud-sql-'))
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const certificate = certify(`${project}:${name}`, authority.publicKey, `${project}:${name}`, authority.privateKey)
  const login = user ?? email.replace(/\.gserviceaccount\.com$/, '')
  // A loopback address of its own: the port is the same for all.
  const address = process.platform === 'linux' ? `127.${random(250)}.${random(250)}.${random(250) + 1}` : '127.0.0.1'
  const requests: string[] = []
  const sockets = new Set<Socket>()

  const fake = {
    answer: undefined as Answer | undefined,
    settings: { ipAddresses: [{ type: 'PRIVATE', ipAddress: address }] } as Record<string, unknown>,
  }

  const api = await serve((ask) => {
    if (ask.parts[0] === 'sts') return json({ access_token: 'federated', token_type: 'Bearer', expires_in: 3600 })
    if (ask.parts[0] === 'iam') return json({ accessToken: 'of-the-account', expireTime: inAnHour() })
    const verb = ask.parts.at(-1)?.replace(/^.*:/, '')
    requests.push(`${ask.method} ${verb}`)
    if (fake.answer) return fake.answer
    if (ask.headers.authorization !== 'Bearer of-the-account') return refusal(401, 'UNAUTHENTICATED', 'Who are you?')
    if (!ask.url.pathname.startsWith(`/sql/v1beta4/projects/${project}/instances/${name}`)) {
      return refusal(404, 'NOT_FOUND', 'The Cloud SQL instance does not exist.')
    }
    return verb === 'connectSettings' ? connectSettings() : generateEphemeralCert(ask)
  })

  function connectSettings(): Answer {
    return json({
      kind: 'sql#connectSettings',
      backendType: 'SECOND_GEN',
      databaseVersion: 'POSTGRES_18',
      region,
      serverCaCert: { cert: certificate, expirationTime: inAnHour() },
      ...fake.settings,
    })
  }

  function generateEphemeralCert({ body }: Ask): Answer {
    const { public_key: key, access_token: token } = JSON.parse(body.toString()) as Record<string, string>
    const cert = certify(String(token), createPublicKey(String(key)), `${project}:${name}`, authority.privateKey)
    return json({ ephemeralCert: { kind: 'sql#sslCert', cert } })
  }

  const server = createServer({
    key: authority.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    cert: certificate,
    ca: certificate,
    requestCert: true,
    minVersion: 'TLSv1.3',
  })
  server.on('secureConnection', (client) => {
    client.once('data', (startup: Buffer) => {
      const isRight = client.getPeerCertificate().subject.CN === 'of-the-account' && userIn(startup) === login
      if (isRight) lead(client, startup)
      else client.end(notLetIn(`Cloud SQL IAM service account authentication failed for user "${userIn(startup)}"`))
    })
    client.on('error', () => {})
  })

  function lead(client: TLSSocket, startup: Buffer): void {
    const inside = connect(postgres)
    inside.write(startup)
    for (const [one, other] of [
      [client, inside],
      [inside, client],
    ] as const) {
      sockets.add(one)
      one.pipe(other)
      one
        .on('error', () => other.destroy())
        .on('close', () => {
          sockets.delete(one)
          other.destroy()
        })
    }
  }

  await new Promise<void>((resolve) => server.listen(PORT, address, resolve))
  const breakOff = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const stopListening = async (): Promise<void> => {
    if (!server.listening) return
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    breakOff()
    await closed
  }
  writeFileSync(join(folder, 'token'), 'a token')
  writeFileSync(
    join(folder, 'credentials.json'),
    JSON.stringify({
      type: 'external_account',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/provider',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${api.endpoint}/sts/v1/token`,
      service_account_impersonation_url: `${api.endpoint}/iam/v1/projects/-/serviceAccounts/${email}:generateAccessToken`,
      credential_source: { file: join(folder, 'token') },
    }),
  )
  return Object.assign(fake, {
    environment: {
      MILLRACE_GOOGLE_ENDPOINT: api.endpoint,
      // Else the credentials are asked which project they are of.
      GOOGLE_CLOUD_PROJECT: project,
      GOOGLE_APPLICATION_CREDENTIALS: join(folder, 'credentials.json'),
    },
    requests,
    get connections() {
      return sockets.size / 2
    },
    breakOff,
    stopListening,
    async close() {
      await stopListening()
      await api.close()
      rmSync(folder, { recursive: true, force: true })
    },
  })
}

export function refusal(code: number, status: string, message: string, reason = status): Answer {
  const error = { code, message, status, errors: [{ message, domain: 'global', reason }] }
  return { status: code, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ error }) }
}

function json(body: unknown): Answer {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

function inAnHour(): string {
  return new Date(Date.now() + 3_600_000).toISOString()
}

function random(below: number): number {
  return Math.floor(Math.random() * below)
}

/** The user in the message that a client of Postgres begins with: length, version, then names and values. */
function userIn(startup: Buffer): string | undefined {
  const words = startup.subarray(8).toString().split('\0')
  return words[words.indexOf('user') + 1]
}

/** An error as Postgres sends it. */
function notLetIn(message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0C28000\0M${message}\0\0`)
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeInt32BE(fields.length + 4, 1)
  return Buffer.concat([head, fields])
}

const ECDSA_SHA256 = Buffer.from('2a8648ce3d040302', 'hex')
const COMMON_NAME = Buffer.from('550403', 'hex')

/** A certificate for a key, in PEM (RFC 5280, version 1): Node reads them, and makes none. */
function certify(subject: string, key: KeyObject, issuer: string, issuerKey: KeyObject): string {
  const algorithm = der(0x30, der(0x06, ECDSA_SHA256))
  const nameOf = (text: string): Buffer =>
    der(0x30, der(0x31, der(0x30, der(0x06, COMMON_NAME), der(0x0c, Buffer.from(text)))))
  const time = (after: number): Buffer =>
    der(0x17, Buffer.from(`${new Date(Date.now() + after).toISOString().replace(/\D/g, '').slice(2, 14)}Z`))
  const toBeSigned = der(
    0x30,
    der(0x02, Buffer.from([1 + random(100)])),
    algorithm,
    nameOf(issuer),
    der(0x30, time(-3_600_000), time(3_600_000)),
    nameOf(subject),
    key.export({ type: 'spki', format: 'der' }),
  )
  const signature = der(0x03, Buffer.from([0]), sign('sha256', toBeSigned, issuerKey))
  // No line may be empty.
  const lines = der(0x30, toBeSigned, algorithm, signature)
    .toString('base64')
    .match(/.{1,64}/g)
  return ['-----BEGIN CERTIFICATE-----', ...(lines ?? []), '-----END CERTIFICATE-----', ''].join('\n')
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
