/** What is known of one station. Tallies of parts can be added up, in any order. */
export interface StationTally {
  readonly count: number
  readonly sum: number
  readonly lowest: number
  readonly highest: number
}

export interface Tally {
  readonly stations: Readonly<Record<string, StationTally>>
  /** How many values were not plausible. */
  readonly leftOut: number
}

export function addUp(tallies: readonly Tally[]): Tally {
  const stations: Record<string, StationTally> = {}
  for (const tally of tallies) {
    for (const [station, more] of Object.entries(tally.stations)) stations[station] = both(stations[station], more)
  }
  return { stations, leftOut: tallies.reduce((sum, { leftOut }) => sum + leftOut, 0) }
}

export function both(a: StationTally | undefined, b: StationTally): StationTally {
  if (!a) return b
  return {
    count: a.count + b.count,
    sum: a.sum + b.sum,
    lowest: Math.min(a.lowest, b.lowest),
    highest: Math.max(a.highest, b.highest),
  }
}
