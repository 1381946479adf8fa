import { flowNames } from '@millrace/engine'
import { UserError } from '@millrace/sdk'
import { toDot } from '../graph/dot.ts'
import { flowGraph } from '../graph/flow-graph.ts'
import { toMermaid } from '../graph/mermaid.ts'
import { root } from '../project.ts'

const FORMATS = { mermaid: toMermaid, dot: toDot } as const

/** `millrace graph FLOW` */
export async function graph(name: string | undefined, options: { format: keyof typeof FORMATS }): Promise<void> {
  if (name === undefined) {
    const names = flowNames(root)
    throw new UserError(
      'which flow?',
      names.length > 0
        ? `Flows here: ${names.join(', ')}. Draw one with: millrace graph ${names[0]}`
        : 'There is no flow here yet: make flows/NAME/flow.ts.',
    )
  }
  process.stdout.write(FORMATS[options.format](flowGraph(root, name)))
}
