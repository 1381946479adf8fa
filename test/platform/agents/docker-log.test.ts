import { describe, expect, it } from 'vitest'
import { linesOf, readLogEntries } from '../../../platform/agents/launchers/docker/log-entries.ts'
import { ContainerLog } from '../../fakes/docker/log.ts'

function linesIn(log: ContainerLog, tail = 1000): string[] {
  return linesOf(readLogEntries(log.frames(tail)))
}

describe('the log of a container', () => {
  it('is read as lines of both outputs, in the order in which they ended', () => {
    const log = new ContainerLog()
    log.write(1, Buffer.from('one\ntwo\n'))
    log.write(2, Buffer.from('oh\r\n'))
    log.write(1, Buffer.from('\nthree'))
    log.end()
    expect(linesIn(log)).toEqual(['one', 'two', 'oh', '', 'three'])
  })

  it('has lines whole that the engine cut, letters in the cut and the other output between the parts', () => {
    const log = new ContainerLog()
    // 3 bytes a letter: 16 KiB end within one.
    const long = '水'.repeat(20_000)
    const bytes = Buffer.from(`${long}\n`)
    log.write(1, bytes.subarray(0, 20_000))
    log.write(2, Buffer.from('between\n'))
    log.write(1, bytes.subarray(20_000))
    expect(linesIn(log)).toEqual(['between', long])
  })

  it('is empty where nothing was printed', () => {
    expect(linesIn(new ContainerLog())).toEqual([])
  })

  it('is read as far as it came, where an answer was cut', () => {
    const log = new ContainerLog()
    log.write(1, Buffer.from('one\ntwo\n'))
    expect(linesOf(readLogEntries(log.frames(2).subarray(0, 15)))).toEqual(['one'])
  })
})
