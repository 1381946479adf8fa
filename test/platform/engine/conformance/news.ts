import type { ExecutorKind } from '@millrace/engine'
import { log } from '@millrace/sdk'
import { expect, it } from 'vitest'
import { advance, chatter, double, say } from '../../../fixtures/project/flows/tasks/flow.ts'
import { complete, run, type Stage } from '../stage.ts'

export function news(kind: ExecutorKind, stage: () => Stage): void {
  it('passes on what the flow and its tasks log, with source, level and fields, and keeps it', async () => {
    const { run: ended, lines } = await run(stage(), async () => {
      log.info('from the flow')
      await say('hello')
    })
    const told = lines.filter(({ source }) => source !== 'engine')
    expect(told.map(({ source, level, message }) => `${source} ${level} ${message}`)).toEqual([
      'flow info from the flow',
      'say-0 debug quietly hello',
      'say-0 info hello',
      'say-0 warn loudly hello',
    ])
    expect(told[2]?.fields).toEqual({ length: 5 })
    expect(Math.abs((told[1]?.time ?? 0) - Date.now())).toBeLessThan(60_000)
    const kept = await stage().store.logs(ended.id)
    expect(kept.map(({ message }) => message).sort()).toEqual(told.map(({ message }) => message).sort())
  })

  it('tells the lines of a call before the run ends, also of the last call', async () => {
    const { lines } = await run(stage(), () => say.map(['a', 'b', 'c']))
    expect(
      lines
        .filter(({ level }) => level === 'info')
        .map(({ message }) => message)
        .sort(),
    ).toEqual(['a', 'b', 'c'])
  })

  it('keeps progress while a call runs, and forgets it after', async () => {
    const seen = new Set<number>()
    let tallies: Parameters<NonNullable<Parameters<typeof run>[2]>['onStart'] & {}>[1] | undefined
    const timer = setInterval(() => {
      for (const each of tallies?.get('advance')?.progress.values() ?? []) {
        expect(each).toMatchObject({ total: 8, unit: 'steps' })
        seen.add(each.done)
      }
    }, 5)
    const ended = await run(stage(), () => advance(8), {
      onStart: (_id, live) => {
        tallies = live
      },
    })
    clearInterval(timer)
    expect(seen.size).toBeGreaterThanOrEqual(2)
    expect(ended.tallies.get('advance')?.progress.size).toBe(0)
  })

  it('takes 100,000 lines of one call', async () => {
    const { run: ended, result, lines } = await run(stage(), () => chatter(100_000))
    expect(result).toBe(100_000)
    const own = lines.filter(({ source }) => source === 'chatter-0')
    expect(own).toHaveLength(100_000)
    expect(own.every(({ message }, i) => message === `line ${i}`)).toBe(true)
    const kept = await stage().store.logs(ended.id, { limit: 5 })
    expect(kept).toHaveLength(5)
    if (kind === 'cluster') expect(kept[0]?.message).toBe('line 0')
  })

  it('says how a run of many calls stands while it goes', async () => {
    let seen = 0
    await complete(stage(), () => double.map(Array.from({ length: 2000 }, (_, i) => i)), {
      onStart: (_id, tallies) => {
        const timer = setInterval(() => {
          const { submitted = 0, total } = tallies.get('double') ?? {}
          if (total === 2000 && submitted > 0) seen++
          if (submitted === 2000) clearInterval(timer)
        }, 1)
      },
    })
    expect(seen).toBeGreaterThan(0)
  })
}
