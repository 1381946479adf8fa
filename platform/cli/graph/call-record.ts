import type { DeclaredTask } from './callable.ts'
import { orderEdges } from './order.ts'
import { settingsOf } from './settings.ts'
import type { TaskCall, TaskEdge, TaskGraph } from './task-graph.ts'

interface Recorded {
  readonly id: number
  readonly task: DeclaredTask
  times: number | 'many'
  conditional: boolean
  readonly data: Set<number>
  readonly after: Set<number>
}

/** The task calls that the walk came to. */
export class CallRecord {
  complete = true
  /** How often the walk came to a call. */
  visits = 0
  private readonly calls = new Map<string, Recorded>()

  /** The call at a site: the walk may come to it several times, and learn more each time. @returns its id */
  add(
    key: string,
    call: Pick<Recorded, 'task' | 'times' | 'conditional'>,
    data: Iterable<number>,
    after: Iterable<number>,
  ): number {
    this.visits++
    let known = this.calls.get(key)
    if (!known) {
      known = { ...call, id: this.calls.size, data: new Set(), after: new Set() }
      this.calls.set(key, known)
    }
    if (call.times === 'many') known.times = 'many'
    known.conditional &&= call.conditional
    for (const id of data) known.data.add(id)
    for (const id of after) known.after.add(id)
    return known.id
  }

  toGraph(flow: string): TaskGraph {
    const calls = [...this.calls.values()]
    const data = calls.flatMap(({ id, data }) =>
      [...data].map((from): TaskEdge => ({ from, to: id, kind: from < id ? 'data' : 'again' })),
    )
    const waits = calls.flatMap(({ id, after }) =>
      [...after].filter((from) => from < id).map((from) => [from, id] as const),
    )
    const edges = [...data, ...orderEdges(data, waits)]
    return {
      flow,
      calls: numbered(calls),
      edges: edges.sort((a, b) => a.from - b.from || a.to - b.to),
      complete: this.complete,
    }
  }
}

function numbered(calls: readonly Recorded[]): TaskCall[] {
  const sites = Map.groupBy(calls, ({ task }) => task.name)
  return calls.map((call) => {
    const same = sites.get(call.task.name) ?? []
    return {
      id: call.id,
      task: call.task.name,
      number: same.length > 1 ? same.indexOf(call) + 1 : undefined,
      times: call.times,
      conditional: call.conditional,
      settings: settingsOf(call.task.options),
    }
  })
}
