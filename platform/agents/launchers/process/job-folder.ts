import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { bounded } from './output.ts'

/** What is kept of a job. Nothing of its environment, in which there may be a password. */
const record = z.object({
  run: z.string(),
  launch: z.int(),
  flow: z.string(),
  stack: z.string(),
  workers: z.int(),
  created: z.number(),
  deadline: z.number().optional(),
  /** Where its processes are (place.ts). */
  place: z.string(),
})
export type JobRecord = z.infer<typeof record>

export const DRIVER = 'driver'

/**
 * The folder of a job: `job.json`, and for each process (`driver`, `worker-1` …) `ROLE.pid` of its supervisor, `ROLE.log`
 * with what it printed, and `ROLE.exit` with its exit code. `stopped`: nothing more is to start; `cancelled`: its driver
 * was stopped before it was over.
 */
export class JobFolder {
  readonly path: string
  readonly #folder: string

  constructor(folder: string, name: string) {
    this.#folder = folder
    this.path = join(folder, name)
  }

  /** Makes it, or finds it as it was made. */
  async make(made: JobRecord): Promise<JobRecord> {
    for (;;) {
      const found = await this.read()
      if (found) return found
      await mkdir(this.path, { recursive: true, mode: 0o700 })
      const whole = join(this.path, `job.${randomUUID()}`)
      try {
        await writeFile(whole, JSON.stringify(made), { mode: 0o600 })
        // Whoever is first: a file that is written in place may be found half written, or be written twice.
        await link(whole, this.#file('job.json'))
        await rm(whole)
      } catch (error) {
        await rm(whole, { force: true })
        // Somebody else made it, or removed the folder, in between.
        if (!isCode(error, 'EEXIST', 'ENOENT')) throw error
      }
    }
  }

  /** Undefined where there is no job of ours, or one that was not made to the end. */
  async read(): Promise<JobRecord | undefined> {
    const text = await this.#text('job.json')
    if (text === undefined) return undefined
    try {
      return record.parse(JSON.parse(text))
    } catch {
      return undefined
    }
  }

  /** Of the supervisor of a process that was started. */
  async pid(role: string): Promise<number | undefined> {
    const pid = Number(await this.#text(`${role}.pid`))
    return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined
  }

  /** Of a process that is over; over 128 it is that of a signal. */
  async exitCode(role: string): Promise<number | undefined> {
    const text = await this.#text(`${role}.exit`)
    return text === undefined ? undefined : Number(text)
  }

  async has(mark: 'stopped' | 'cancelled'): Promise<boolean> {
    return (await this.#text(mark)) !== undefined
  }

  /** Lets nothing more start. */
  async stop(): Promise<void> {
    const isOver = (await this.exitCode(DRIVER)) !== undefined
    for (const mark of isOver ? ['stopped'] : ['cancelled', 'stopped']) {
      await writeFile(this.#file(mark), '', { mode: 0o600 }).catch((error: unknown) => {
        if (!isCode(error, 'ENOENT')) throw error // It is removed already.
      })
    }
  }

  async lastLines(role: string, count: number): Promise<string[]> {
    return await bounded(this.#file(`${role}.log`)).lastLines(count)
  }

  async boundOutput(roles: readonly string[]): Promise<void> {
    for (const role of roles) await bounded(this.#file(`${role}.log`)).trim()
  }

  /** Deletes it; at once, so that never half a job is found. */
  async remove(): Promise<void> {
    const away = join(this.#folder, `${REMOVED}${randomUUID()}`)
    try {
      await rename(this.path, away)
    } catch (error) {
      if (isCode(error, 'ENOENT')) return
      throw error
    }
    await rm(away, { recursive: true, force: true, maxRetries: 3 })
  }

  #file(name: string): string {
    return join(this.path, name)
  }

  async #text(name: string): Promise<string | undefined> {
    try {
      return await readFile(this.#file(name), 'utf8')
    } catch (error) {
      if (isCode(error, 'ENOENT', 'ENOTDIR')) return undefined
      throw error
    }
  }
}

/** What a removed folder is called until it is deleted. */
export const REMOVED = '.removed-'

/** Processes of a job. */
export function rolesOf({ workers }: Pick<JobRecord, 'workers'>): string[] {
  return [DRIVER, ...Array.from({ length: workers }, (_, i) => `worker-${i + 1}`)]
}

export function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
