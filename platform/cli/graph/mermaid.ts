import { isStack, labelOf } from './label.ts'
import type { TaskCall, TaskEdge, TaskGraph } from './task-graph.ts'

const ARROWS = { data: '-->', again: '-- next round -->', order: '-.->' } as const satisfies Record<
  TaskEdge['kind'],
  string
>

/** The graph as a Mermaid flowchart: maps and loops as a double-sided box, waits without data as dashed arrows. */
export function toMermaid({ flow, calls, edges, complete }: TaskGraph): string {
  const lines = [
    'flowchart TD',
    ...(complete ? [] : ['  %% incomplete: the code of the flow was too much to follow to the end']),
    `  subgraph flow ["${escapeText(flow)}"]`,
    '    direction TB',
    ...(calls.length > 0 ? calls.map((call) => `    ${box(call)}`) : ['    none("calls no tasks")']),
    '  end',
    ...edges.map(({ from, to, kind }) => `  t${from + 1} ${ARROWS[kind]} t${to + 1}`),
  ]
  return `${lines.join('\n')}\n`
}

function box(call: TaskCall): string {
  const { title, small } = labelOf(call)
  const text = [escapeText(title), ...small.map((line) => `<small>${escapeText(line)}</small>`)].join('<br>')
  return isStack(call) ? `t${call.id + 1}[["${text}"]]` : `t${call.id + 1}["${text}"]`
}

/** Mermaid writes characters by name or number between "#" and ";". */
const ENTITIES: Record<string, string> = {
  '#': '#35;',
  '"': '#quot;',
  '<': '#lt;',
  '>': '#gt;',
  '&': '#amp;',
  '`': '#96;',
  '\\': '#92;',
}

function escapeText(text: string): string {
  return text.replace(/[#"<>&`\\]/g, (character) => ENTITIES[character] ?? '').replace(/\s+/g, ' ')
}
