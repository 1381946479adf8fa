import { type ExecutorKind, PostgresStore } from '@millrace/engine'
import { abortSignal, CancelledError } from '@millrace/sdk'
import { expect, it } from 'vitest'
import { deafNap, double, nap, note, polite, spin } from '../../../fixtures/project/flows/tasks/flow.ts'
import { linesOf, until } from '../../../until.ts'
import { run, type Stage } from '../stage.ts'

export function cancellation(kind: ExecutorKind, stage: () => Stage): void {
  it('cancels waiting and running calls when the run is cancelled', async () => {
    const file = stage().file()
    const cancel = new AbortController()
    const began = Date.now()
    void until(() => linesOf(file).length >= 2).then(() => cancel.abort('interrupted'))
    const { run: ended, error } = await run(stage(), () => nap.map(Array(300).fill(20_000), file), {
      signal: cancel.signal,
    })
    expect(ended).toMatchObject({ state: 'Cancelled', message: 'interrupted' })
    expect(error).toBeInstanceOf(CancelledError)
    expect(Date.now() - began).toBeLessThan(4000)
    const counts = await stage().store.taskCounts(ended.id)
    expect(Object.keys(counts.nap ?? {})).toEqual(['Cancelled'])
    const started = linesOf(file).length
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(linesOf(file)).toHaveLength(started)
  })

  it('ends calls that do not look at their signal', async () => {
    const cancel = new AbortController()
    setTimeout(() => cancel.abort(), 300)
    const began = Date.now()
    const { run: ended } = await run(stage(), () => deafNap.map(Array(10).fill(20_000)), { signal: cancel.signal })
    expect(ended.state).toBe('Cancelled')
    expect(Date.now() - began).toBeLessThan(5000)
  })

  it('does not start a run that is cancelled already', async () => {
    const file = stage().file()
    const { run: ended } = await run(stage(), () => note(file, 'started'), { signal: AbortSignal.abort('too late') })
    expect(ended.state).toBe('Cancelled')
    expect(linesOf(file)).toEqual([])
  })

  it('cancels a run through its state, as another process does it', async () => {
    const file = stage().file()
    const { store, database } = stage()
    const other = database ? await PostgresStore.open(database.url) : store
    const { run: ended } = await run(stage(), () => polite.map([20_000, 20_000], file), {
      onStart: (id) =>
        void until(() => linesOf(file).length > 0).then(() =>
          other.setState(id, 'Cancelling', { message: 'by somebody else' }),
        ),
    })
    expect(ended).toMatchObject({ state: 'Cancelled', message: 'by somebody else' })
    await until(() => linesOf(file).includes('stopped'))
    if (other !== store) await other.close()
  })

  it('tells the flow function through its own signal', async () => {
    const cancel = new AbortController()
    let told: unknown
    await run(
      stage(),
      async () => {
        const signal = abortSignal()
        setTimeout(() => cancel.abort('enough'), 20)
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        told = signal.reason
      },
      { signal: cancel.signal },
    )
    expect(told).toMatchObject({ name: 'CancelledError', message: 'enough' })
  })

  it('refuses calls that a cancelled flow goes on making', async () => {
    const file = stage().file()
    const cancel = new AbortController()
    await run(
      stage(),
      async () => {
        cancel.abort()
        await note(file, 'after the end').catch(() => {})
        await note.map([file], 'after the end')
      },
      { signal: cancel.signal },
    )
    expect(linesOf(file)).toEqual([])
  })

  it('stops the calls of a flow that failed', async () => {
    const file = stage().file()
    const { run: ended } = await run(stage(), async () => {
      void nap.submit(20_000, file).catch(() => {})
      await until(() => linesOf(file).length > 0)
      throw new Error('the flow itself')
    })
    expect(ended).toMatchObject({ state: 'Failed', message: 'the flow itself' })
    expect(await stage().store.taskCounts(ended.id)).toEqual({ nap: { Cancelled: 1 } })
  })

  it('starts nothing while the run is paused, and goes on after', async () => {
    const file = stage().file()
    const { store } = stage()
    const { run: ended } = await run(stage(), async (_params, { id }) => {
      await note(file, 'before')
      await store.setState(id, 'Paused')
      await new Promise((resolve) => setTimeout(resolve, 60))
      const during = note.map([file, file], 'while paused')
      const all = during.then(() => {})
      await new Promise((resolve) => setTimeout(resolve, 250))
      expect(linesOf(file)).toEqual(['before'])
      await store.setState(id, 'Running')
      await all
    })
    expect(ended.state).toBe('Completed')
    expect(linesOf(file)).toHaveLength(3)
  })

  if (kind === 'inline') return

  it('ends calls that keep their threads busy', async () => {
    const file = stage().file()
    const cancel = new AbortController()
    void until(() => linesOf(file).length >= 2).then(() => cancel.abort())
    const began = Date.now()
    const { run: ended } = await run(stage(), () => spin.map([20_000, 20_000, 20_000], file), {
      signal: cancel.signal,
    })
    expect(ended.state).toBe('Cancelled')
    expect(Date.now() - began).toBeLessThan(5000)
    const { result } = await run(stage(), () => double.map([1, 2, 3]))
    expect(result).toEqual([2, 4, 6])
  })
}
