import type { LoggingServiceV2Client, protos } from '@google-cloud/logging-api'
import type { Transport } from './transport.ts'

type Entry = protos.google.logging.v2.ILogEntry
type ClientOptions = NonNullable<ConstructorParameters<typeof LoggingServiceV2Client>[0]>

/** Reads what was printed, in Cloud Logging. It arrives there within seconds, as a rule. */
export interface DriverLog {
  /**
   * The last lines that a filter finds, oldest first.
   * @param filter https://cloud.google.com/logging/docs/view/logging-query-language
   */
  tail(filter: string, lines: number): Promise<string[]>
  close(): Promise<void>
}

export async function openDriverLog(project: string, transport: Transport): Promise<DriverLog> {
  const { LoggingServiceV2Client } = await import('@google-cloud/logging-api')
  // Its types are those of another release of the same library; what it calls of it (getClient, fetch) is the same.
  const auth = transport as unknown as NonNullable<ClientOptions['auth']>
  const client = new LoggingServiceV2Client({ auth, fallback: true })

  async function tail(filter: string, lines: number): Promise<string[]> {
    if (lines <= 0) return []
    const found: string[] = []
    const request = { resourceNames: [`projects/${project}`], filter, orderBy: 'timestamp desc', pageSize: lines }
    // A page may be empty, and others follow it.
    for await (const entry of client.listLogEntriesAsync(request, { retry: null, autoPaginate: false })) {
      found.push(lineOf(entry))
      if (found.length >= lines) break
    }
    return found.reverse()
  }

  return { tail, close: () => client.close() }
}

/** Pure: what of an entry was printed. A line that is a JSON object, such as those of our log, is taken apart by Google. */
export function lineOf({ textPayload, jsonPayload }: Entry): string {
  if (!jsonPayload) return (textPayload ?? '').replace(/\r?\n$/, '')
  const message = jsonPayload.fields?.message?.stringValue
  return message ?? JSON.stringify(plain({ structValue: jsonPayload }))
}

type Value = protos.google.protobuf.IValue

function plain({ structValue, listValue, ...value }: Value): unknown {
  if (structValue) {
    return Object.fromEntries(Object.entries(structValue.fields ?? {}).map(([name, each]) => [name, plain(each)]))
  }
  if (listValue) return (listValue.values ?? []).map(plain)
  return value.stringValue ?? value.numberValue ?? value.boolValue ?? null
}

/** Text in a filter. */
export function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}
