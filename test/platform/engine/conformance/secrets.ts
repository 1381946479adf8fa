import type { ExecutorKind } from '@millrace/engine'
import { secret } from '@millrace/sdk'
import { expect, it } from 'vitest'
import facts from '../../../fixtures/project/flows/facts/flow.ts'
import { blab, echo, useSecret } from '../../../fixtures/project/flows/tasks/flow.ts'
import { complete, drive, run, SECRET, type Stage } from '../stage.ts'

export function secrets(_kind: ExecutorKind, stage: () => Stage): void {
  it('redacts a secret in log lines, fields, errors, their stacks and causes', async () => {
    const { run: ended, error, lines } = await run(stage(), () => blab())
    expect(error?.message).toBe('cannot log in with [redacted]')
    const cause = error?.cause as Error
    expect(cause.message).toBe('[redacted] was refused')
    const { store } = stage()
    const everything = JSON.stringify([
      lines,
      [error?.message, error?.stack, cause.message, cause.stack],
      await store.findRun(ended.id),
      await store.taskRuns(ended.id),
      await store.logs(ended.id),
    ])
    expect(everything).not.toContain(SECRET)
    expect(lines.map(({ message }) => message)).toContain('the password is [redacted]')
  })

  it('hands a secret to a task that gets it as an argument', async () => {
    const result = await complete(stage(), () => {
      const password = secret('test-password')
      return useSecret({ password, url: `postgres://me:${password}@host/db` })
    })
    expect(result).toEqual({ same: true, inside: true })
  })

  it('gives a secret in a result back to the flow', async () => {
    expect(await complete(stage(), () => echo({ deep: [secret('test-password')] }))).toEqual({ deep: [SECRET] })
  })

  it('resolves references in parameters and config, in the flow and in its tasks', async () => {
    const given = { n: 1, url: 'https://me:secret://test-password@host' }
    const { run: ended, result } = await drive(stage(), facts, given)
    const url = `https://me:${SECRET}@host`
    expect(result.inFlow).toMatchObject({ params: { url }, config: { password: SECRET } })
    expect(result.inTask).toMatchObject({ params: { url }, config: { password: SECRET } })
    expect(ended.params).toEqual(given)
  })

  it('writes no secret down in clear', async () => {
    const { database } = stage()
    if (!database) return
    await run(stage(), () => {
      const password = secret('test-password')
      return echo.map([password, `x${password}y`], ...([{ password }] as unknown as []))
    })
    const tables = ['flow_run', 'task_run', 'value_chunk', 'log_line', 'task_cache']
    for (const table of tables) {
      const rows = await database.query<{ row: string }>(`select t::text as row from ${table} t`)
      const text = rows.map(({ row }) => row).join('\n')
      expect(text).not.toContain(SECRET)
      expect(text).not.toContain(Buffer.from(SECRET).toString('hex'))
    }
  })
}
