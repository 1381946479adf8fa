import { store, task } from '@millrace/sdk'
import { addUp, type Tally } from './tally.ts'

export interface Summary {
  readonly stations: readonly {
    readonly station: string
    readonly count: number
    readonly mean: number
    readonly lowest: number
    readonly highest: number
  }[]
  readonly leftOut: number
}

/** Adds up what the parts came to, and writes it. */
export const reduce = task('reduce', { retries: 2 }, async (tallies: Tally[], sink: string): Promise<Summary> => {
  const { stations, leftOut } = addUp(tallies)
  const summary: Summary = {
    stations: Object.entries(stations)
      .map(([station, { sum, ...tally }]) => ({ station, ...tally, mean: sum / tally.count }))
      .sort((a, b) => (a.station < b.station ? -1 : 1)),
    leftOut,
  }
  await store(sink).writeJson('summary.json', summary)
  return summary
})
