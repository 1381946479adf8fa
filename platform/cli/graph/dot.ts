import { isStack, labelOf } from './label.ts'
import type { TaskCall, TaskEdge, TaskGraph } from './task-graph.ts'

const STYLES = {
  data: '',
  again: ' [label="next round", constraint=false]',
  order: ' [style=dashed, color="#888888"]',
} as const satisfies Record<TaskEdge['kind'], string>

/** The graph for Graphviz: maps and loops as a box with two borders, waits without data as dashed arrows. */
export function toDot({ flow, calls, edges, complete }: TaskGraph): string {
  const lines = [
    `digraph ${quote(flow)} {`,
    ...(complete ? [] : ['  // incomplete: the code of the flow was too much to follow to the end']),
    '  node [shape=box, style=rounded, fontname="Helvetica", fontsize=12, margin="0.15,0.08"]',
    '  edge [fontname="Helvetica", fontsize=10, arrowsize=0.7]',
    '  subgraph cluster_flow {',
    `    label=${quote(flow)}; fontname="Helvetica"; style=rounded; color="#888888"`,
    ...(calls.length > 0
      ? calls.map((call) => `    t${call.id + 1} ${attributes(call)}`)
      : ['    none [label="calls no tasks", shape=plaintext]']),
    '  }',
    ...edges.map(({ from, to, kind }) => `  t${from + 1} -> t${to + 1}${STYLES[kind]}`),
    '}',
  ]
  return `${lines.join('\n')}\n`
}

function attributes(call: TaskCall): string {
  const { title, small } = labelOf(call)
  const text = [escapeText(title), ...small.map((line) => `<font point-size="9">${escapeText(line)}</font>`)]
  return `[label=<${text.join('<br/>')}>${isStack(call) ? ', style="", peripheries=2' : ''}]`
}

/** A string of the DOT language. */
function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replace(/\s+/g, ' ')}"`
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? '').replace(/\s+/g, ' ')
}
