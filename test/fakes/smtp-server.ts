import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { createServer as createTlsServer } from 'node:tls'
import type { SelfSigned } from './webhook-certificate.ts'

/** A mail as the server took it. */
export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  /** Names in lower case; folded lines are put together. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** Who logged in. */
  readonly user: string | undefined
}

export interface SmtpOptions {
  /** Whoever sends must log in with these. */
  readonly login?: { readonly user: string; readonly password: string }
  /** TLS from the first byte. */
  readonly tls?: SelfSigned
  /** Answers in place of its own, by the command: `{ 'RCPT TO:<a@b>': '550 no such user' }`. */
  readonly replies?: Readonly<Record<string, string>>
  /** It does not even greet. */
  readonly isSilent?: boolean
}

/** A server that speaks enough SMTP (RFC 5321) for a mail client, on this machine. */
export interface SmtpServer {
  readonly port: number
  readonly mails: readonly ReceivedMail[]
  /** The commands it was given, without what was logged in with. */
  readonly commands: readonly string[]
  replies: Readonly<Record<string, string>>
  close(): Promise<void>
}

export async function smtpServer(options: SmtpOptions = {}): Promise<SmtpServer> {
  const { login, tls, isSilent = false } = options
  const mails: ReceivedMail[] = []
  const commands: string[] = []
  const sockets = new Set<Socket>()
  const state = { replies: options.replies ?? {} }

  const talk = async (socket: Socket): Promise<void> => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    if (isSilent) return
    const say = (line: string): boolean => socket.write(`${line}\r\n`)
    let [user, from]: (string | undefined)[] = []
    let to: string[] = []
    let data: string[] | undefined
    say('220 mail.example.org ESMTP')
    for await (const line of createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (data) {
        if (line !== '.') {
          // A line that begins with "." had another put before it.
          data.push(line.replace(/^\./, ''))
          continue
        }
        mails.push({ from: from ?? '', to, ...parseMail(data), user })
        ;[from, to, data] = [undefined, [], undefined]
        say('250 queued')
        continue
      }
      const command = line.startsWith('AUTH PLAIN') ? 'AUTH PLAIN' : line
      commands.push(command)
      const reply = state.replies[command]
      if (reply !== undefined) say(reply)
      else if (/^EHLO /i.test(line)) {
        say('250-mail.example.org')
        if (login) say('250-AUTH PLAIN')
        say('250 8BITMIME')
      } else if (command === 'AUTH PLAIN') {
        const [, name, password] = Buffer.from(line.slice(11), 'base64').toString().split('\0')
        const isRight = login && name === login.user && password === login.password
        if (isRight) user = name
        say(isRight ? '235 welcome' : '535 who are you?')
      } else if (/^MAIL FROM:/i.test(line)) {
        if (login && user === undefined) say('530 log in first')
        else {
          from = /<(.*?)>/.exec(line)?.[1]
          say('250 ok')
        }
      } else if (/^RCPT TO:/i.test(line)) {
        to.push(/<(.*?)>/.exec(line)?.[1] ?? '')
        say('250 ok')
      } else if (line === 'DATA') {
        data = []
        say('354 go on')
      } else if (line === 'QUIT') {
        say('221 bye')
        socket.end()
      } else say('500 what?')
    }
  }
  const take = (socket: Socket): void => void talk(socket).catch(() => {})
  const server = tls ? createTlsServer({ ...tls }, take) : createServer(take)
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(state, {
    port: (server.address() as AddressInfo).port,
    mails,
    commands,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  })
}

function parseMail(lines: readonly string[]): Pick<ReceivedMail, 'headers' | 'text'> {
  const end = lines.indexOf('')
  const head = lines.slice(0, end).join('\n').replace(/\n\s+/g, ' ')
  const headers = head.split('\n').map((line) => {
    const [, name = '', value = ''] = /^([^:]+):\s*(.*)$/.exec(line) ?? []
    return [name.toLowerCase(), value] as const
  })
  return { headers: Object.fromEntries(headers), text: lines.slice(end + 1).join('\n') }
}
