import { openDriverLog } from './driver-log.ts'
import { openTransport } from './open-transport.ts'
import { openedOnce } from './opened-once.ts'
import { launchError } from './refusal.ts'
import type { Transport } from './transport.ts'

export interface OpenedApiOptions<Api> {
  /** What it is called in messages: `Cloud Run`. */
  readonly name: string
  readonly project: string
  /** Stands for Google Cloud, and is asked without credentials. */
  readonly endpoint: string | undefined
  open(transport: Transport): Promise<Api>
}

/** One of Google's APIs and the log of what it runs, opened at their first use. */
export interface OpenedApi<Api> {
  /** What Google says no with comes out as an error that an agent understands. @param what "create the job millrace-…" */
  tried<T>(what: string, act: (api: Api) => Promise<T>): Promise<T>
  /** The last lines that a filter finds, oldest first. */
  tail(filter: string, lines: number): Promise<string[]>
  close(): Promise<void>
}

export function openedApi<Api extends object>(options: OpenedApiOptions<Api>): OpenedApi<Api> {
  const { name, project, endpoint, open } = options
  const transport = openedOnce(() => openTransport(endpoint))
  const api = openedOnce(async () => open(await transport.get()))
  const log = openedOnce(async () => openDriverLog(project, await transport.get()))
  return {
    async tried(what, act) {
      try {
        return await act(await api.get())
      } catch (error) {
        throw launchError(`${what} on ${name}`, error)
      }
    },
    tail: async (filter, lines) => await (await log.get()).tail(filter, lines),
    close: async () => {
      await Promise.all([api.close(), log.close()])
    },
  }
}
