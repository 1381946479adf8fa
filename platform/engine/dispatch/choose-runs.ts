/** A run that waits and could be launched now, were there room. */
export interface Candidate {
  /** Its number: lower ones are older. */
  readonly no: number
  readonly queue: string
  readonly priority: number
  readonly labels: readonly string[]
}

/** How many runs may still begin. */
export interface Room {
  /** In all. */
  readonly runs: number
  /** In each queue that is open; one that is not listed is not. */
  readonly queues: ReadonlyMap<string, { readonly priority: number; readonly left: number }>
  /** With each label that has a limit. */
  readonly labels: ReadonlyMap<string, number>
}

/**
 * Those of the candidates that may begin, in order: of queues with a higher priority first, then runs with a higher one,
 * then older ones. One that has no room holds up none after it.
 * @returns the chosen ones, and the room that is left
 */
export function chooseRuns(candidates: readonly Candidate[], room: Room): { chosen: Candidate[]; room: Room } {
  const queues = new Map(room.queues)
  const labels = new Map(room.labels)
  const priorityOf = ({ queue }: Candidate): number => queues.get(queue)?.priority ?? 0
  const inOrder = candidates.toSorted((a, b) => priorityOf(b) - priorityOf(a) || b.priority - a.priority || a.no - b.no)
  const chosen: Candidate[] = []
  for (const candidate of inOrder) {
    if (chosen.length >= room.runs) break
    const queue = queues.get(candidate.queue)
    const limited = candidate.labels.filter((label) => labels.has(label))
    if (!queue || queue.left < 1 || limited.some((label) => (labels.get(label) ?? 0) < 1)) continue
    queues.set(candidate.queue, { ...queue, left: queue.left - 1 })
    for (const label of limited) labels.set(label, (labels.get(label) ?? 0) - 1)
    chosen.push(candidate)
  }
  return { chosen, room: { runs: room.runs - chosen.length, queues, labels } }
}
