import { expect, it } from 'vitest'
import { Since } from '../../../platform/agents/since.ts'

it('tells how long something has been so', () => {
  const since = new Since(60)
  expect([since.look(1000, true), since.look(1030, true), since.look(1080, true)]).toEqual([0, 30, 80])
  expect([since.look(1090, false), since.look(1100, true), since.look(1110, true)]).toEqual([0, 0, 10])
})

it('begins anew when nobody looked for too long, or the clock went back', () => {
  const since = new Since(60)
  expect([since.look(1000, true), since.look(1061, true), since.look(1071, true)]).toEqual([0, 0, 10])
  expect([since.look(500, true), since.look(510, true)]).toEqual([0, 10])
})
