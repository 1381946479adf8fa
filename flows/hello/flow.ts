import { flow, log, task } from '@millrace/sdk'
import { z } from 'zod'

const greet = task('greet', async (name: string) => `Hello, ${name}!`)

/** The smallest flow: one task for each name. */
export default flow(
  {
    name: 'hello',
    description: 'Greets people: the smallest flow, to see that everything works.',
    owner: 'platform',
    contact: 'platform@example.org',
    sources: [],
    sinks: [],
    params: z.object({
      names: z.array(z.string().min(1)).min(1).default(['world']).describe('Whom to greet'),
    }),
    runName: ({ names }) => `hello-${names.length}`,
  },
  async ({ names }) => {
    const greetings = await greet.map(names)
    for (const greeting of greetings) log.info(greeting)
    return greetings
  },
)
