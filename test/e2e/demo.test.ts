import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { begin, command } from './command.ts'
import { copyProject } from './project-copy.ts'

describe('npm run demo', () => {
  let project: Awaited<ReturnType<typeof copyProject>>
  beforeAll(async () => {
    project = await copyProject()
  })
  afterAll(() => project.remove())

  it('that is killed in the middle leaves nothing in the way of the next one', async () => {
    const killed = begin('npm run demo', project.folder)
    await killed.prints(/read 120000 rows/, 60_000)
    process.kill(-(killed.child.pid ?? 0), 'SIGKILL')
    await killed.ended

    const { code, out, err } = await command('npm run demo', project.folder)
    expect(code, `${out}\n${err}`).toBe(0)
    expect(out).toMatch(/datacube .* Completed in/)
    const [, page = ''] = /Look at: +file:\/\/(\S+)/.exec(out) ?? []
    expect(readFileSync(page, 'utf8')).toMatch(/<!doctype html>/i)
    expect(existsSync(join(project.folder, 'out/demo'))).toBe(true)
  }, 180_000)

  it('succeeds again at once, and leaves no process behind', async () => {
    const { code, out, err } = await command('npm run demo', project.folder)
    expect(code, `${out}\n${err}`).toBe(0)
    await sleep(500)
    const left = await command(`pgrep -f ${project.folder}`, project.folder)
    expect(
      left.out
        .trim()
        .split('\n')
        .filter((pid) => pid !== String(process.pid)),
    ).toEqual([''])
  }, 180_000)
})
