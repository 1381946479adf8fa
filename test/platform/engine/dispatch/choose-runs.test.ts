import { expect, it } from 'vitest'
import { type Candidate, chooseRuns, type Room } from '../../../../platform/engine/dispatch/choose-runs.ts'

const run = (no: number, more: Partial<Candidate> = {}): Candidate => ({
  no,
  queue: 'default',
  priority: 0,
  labels: [],
  ...more,
})
const room = (more: Partial<Room> = {}): Room => ({
  runs: 10,
  queues: new Map([['default', { priority: 0, left: Number.POSITIVE_INFINITY }]]),
  labels: new Map(),
  ...more,
})
const chosen = (candidates: readonly Candidate[], given: Partial<Room> = {}): number[] =>
  chooseRuns(candidates, room(given)).chosen.map(({ no }) => no)

it('takes the run of the more important queue, then the more important run, then the older one', () => {
  const queues = new Map([
    ['default', { priority: 0, left: 9 }],
    ['urgent', { priority: 5, left: 9 }],
  ])
  const waiting = [
    run(1),
    run(2, { priority: 3 }),
    run(3),
    run(5, { queue: 'urgent', priority: -1 }),
    run(4, { queue: 'urgent' }),
  ]
  expect(chosen(waiting, { queues })).toEqual([4, 5, 2, 1, 3])
})

it('takes no more than there is room for, in all and in each queue', () => {
  const queues = new Map([
    ['default', { priority: 0, left: 2 }],
    ['other', { priority: 0, left: 9 }],
    ['over', { priority: 0, left: -1 }],
  ])
  const waiting = [
    run(1),
    run(2),
    run(3),
    run(4, { queue: 'other' }),
    run(5, { queue: 'other' }),
    run(6, { queue: 'over' }),
  ]
  expect(chosen(waiting, { queues })).toEqual([1, 2, 4, 5])
  expect(chosen(waiting, { queues, runs: 3 })).toEqual([1, 2, 4])
  expect(chosen([run(1, { queue: 'closed' })])).toEqual([])
})

it('lets a run whose label is full hold up none behind it', () => {
  const labels = new Map([
    ['gpu', 1],
    ['big', 0],
  ])
  const waiting = [
    run(1, { labels: ['gpu'] }),
    run(2, { labels: ['gpu'] }),
    run(3, { labels: ['etl', 'big'] }),
    run(4, { labels: ['etl'] }),
  ]
  const choice = chooseRuns(waiting, room({ labels }))
  expect(choice.chosen.map(({ no }) => no)).toEqual([1, 4])
  expect(choice.room.labels.get('gpu')).toBe(0)
  expect(choice.room.runs).toBe(8)
})
