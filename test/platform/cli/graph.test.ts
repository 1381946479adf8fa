import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { UserError } from '@millrace/sdk'
import { afterAll, describe, expect, test } from 'vitest'
import { graph } from '../../../platform/cli/commands/graph.ts'
import { toDot } from '../../../platform/cli/graph/dot.ts'
import { flowGraph } from '../../../platform/cli/graph/flow-graph.ts'
import { toMermaid } from '../../../platform/cli/graph/mermaid.ts'
import type { TaskGraph } from '../../../platform/cli/graph/task-graph.ts'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

/** A project with a flow `x`, its modules below `flows/x/`. */
function project(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'graph-'))
  folders.push(root)
  for (const [name, text] of Object.entries(files)) {
    const path = join(root, 'flows/x', name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  return root
}

const TASKS = ['a', 'b', 'c', 'd', 'e']
  .map((name) => `const ${name} = task('${name}', async (...args: unknown[]): Promise<any> => args)`)
  .join('\n')

/** The graph of a flow with that body, which may call tasks a, b, c, d, e. */
function graphOf(body: string, { top = '', ...files }: Record<string, string> = {}): TaskGraph {
  const text = `import { flow, task } from '@millrace/sdk'
${TASKS}
${top}
export default flow({ name: 'x' }, async (params: any, run) => {
${body}
})
`
  return flowGraph(project({ 'flow.ts': text, ...files }), 'x')
}

const ARROW = { data: '->', again: '=>', order: '..>' }

/** Edges as text: `a -> b` data, `a ..> b` order only, `a => b` data of the round before. */
function edges(of: TaskGraph): string[] {
  const name = (id: number): string => {
    const call = of.calls[id]
    return `${call?.task}${call?.number ?? ''}`
  }
  return of.edges.map(({ from, to, kind }) => `${name(from)} ${ARROW[kind]} ${name(to)}`).sort()
}

/** Edges of a flow with that body. */
const edgesOf = (body: string, files?: Record<string, string>): string[] => edges(graphOf(body, files))

describe('data', () => {
  test('flows from a result into the arguments of the next call', () => {
    expect(edgesOf('const x = await a(params)\nawait b(x)')).toEqual(['a -> b'])
  })

  test('flows through fields, template strings, arithmetic and object literals', () => {
    expect(edgesOf(`const x = await a()\nawait b({ url: \`gs://\${x.name}/y\`, size: x.size * 2 })`)).toEqual([
      'a -> b',
    ])
  })

  test('flows through spread in lists, objects and arguments', () => {
    const body = 'const [x, y, z] = [await a(), await b(), await c()]\nawait d([1, ...x], { ...y }, ...z)'
    expect(edgesOf(body)).toEqual(['a -> d', 'a ..> b', 'b -> d', 'b ..> c', 'c -> d'])
  })

  test('is told apart by position where Promise.all is destructured', () => {
    const body = 'const [x, y] = await Promise.all([a(), b()])\nawait Promise.all([c(x), d(y)])'
    expect(edgesOf(body)).toEqual(['a -> c', 'a ..> d', 'b -> d', 'b ..> c'])
  })

  test('is told apart by name where an object is destructured, with defaults and a rest', () => {
    const body = `const made = { p: await a(), q: await b(), r: await c() }
    const { p = 1, ...others } = made
    await Promise.all([d(p), e(others)])`
    expect(edgesOf(body)).toEqual(['a -> d', 'a ..> b', 'b -> e', 'b ..> c', 'c -> e', 'c ..> d'])
  })

  test('flows through chains of list methods and their callbacks', () => {
    const body = 'const xs = await a.map(params.xs)\nawait b.map(xs.flat().filter(Boolean).map((x) => ({ x })))'
    expect(edgesOf(body)).toEqual(['a -> b'])
  })

  test('does not flow where a list only says how many calls there are of something else', () => {
    const body = 'const xs = await a()\nconst ys = await Promise.all(xs.map((x) => b(x)))\nawait c(ys)'
    expect(edgesOf(body)).toEqual(['a -> b', 'b -> c'])
  })

  test('flows through push in a loop over results', () => {
    const body = 'const out = []\nfor (const x of await a.map(params.xs)) out.push(x.y)\nawait b(out)'
    expect(edgesOf(body)).toEqual(['a -> b'])
  })

  test('flows out of a map that is iterated over as it goes', () => {
    const body = 'for await (const { value } of a.map(params.xs)) await b(value)'
    expect(edgesOf(body)).toEqual(['a -> b'])
  })

  test('flows through assignments to a variable outside of a callback, and through maps and sets', () => {
    const body = `let last
    const byId = new Map()
    params.xs.forEach(async (x) => { last = await a(x); byId.set(x, last) })
    await Promise.all([b(last), c(byId.get(1)), d([...byId.values()])])`
    expect(edgesOf(body)).toEqual(['a -> b', 'a -> c', 'a -> d'])
  })

  test('comes from either branch of an if, a switch and "? :"', () => {
    const body = `let x
    if (params.p) x = await a()
    else x = await b()
    const y = params.q ? await c(x) : x
    await d(y)`
    expect(edgesOf(body)).toEqual(['a -> c', 'a -> d', 'b -> c', 'b -> d', 'c -> d'])
  })

  test('is replaced by a later assignment in the same sequence', () => {
    expect(edgesOf('let x = await a()\nx = await b(x)\nawait c(x)')).toEqual(['a -> b', 'b -> c'])
  })

  test('is in a constant that a condition chose', () => {
    expect(edgesOf("const { size } = await a()\nawait b(size > 10 ? 'big' : 'small')")).toEqual(['a -> b'])
    expect(edgesOf("const x = await a()\nlet how = 'plain'\nif (x.big) how = 'split'\nawait b(how)")).toEqual([
      'a -> b',
    ])
  })

  test('flows through then, catch and finally', () => {
    const body = 'const x = a().then((v) => b(v)).catch(() => 0)\nawait c(await x)'
    expect(edgesOf(body)).toEqual(['a -> b', 'b -> c'])
  })

  test('flows from one round of a loop into the next', () => {
    const body =
      'let sum = 0\nfor (const x of params.xs) {\n const y = await a(x, sum)\n sum = await b(y)\n}\nawait c(sum)'
    expect(edgesOf(body)).toEqual(['a -> b', 'b -> c', 'b => a'])
  })
})

describe('order without data', () => {
  test('is drawn where a task is awaited before another call', () => {
    expect(edgesOf('await a()\nawait b()')).toEqual(['a ..> b'])
  })

  test('is not drawn where a longer way says it already', () => {
    expect(edgesOf('const x = await a()\nconst y = await b(x)\nawait c()\nawait d(y)')).toEqual([
      'a -> b',
      'b -> d',
      'b ..> c',
      'c ..> d',
    ])
  })

  test('is not there between calls that run side by side, also in async functions', () => {
    const body = `const left = async () => { await a(); await b() }
    await Promise.all([left(), c()])
    await d()`
    expect(edgesOf(body)).toEqual(['a ..> b', 'b ..> d', 'c ..> d'])
  })

  test('begins where a submitted task is awaited, not where it was submitted', () => {
    expect(edgesOf('const x = a.submit()\nawait b()\nawait x\nawait c()')).toEqual(['a ..> c', 'b ..> c'])
  })

  test('is not there between the branches of an if', () => {
    expect(edgesOf('if (params.p) await a()\nelse await b()\nawait c()')).toEqual(['a ..> c', 'b ..> c'])
    expect(edgesOf('if (params.p) {\n await a()\n return 1\n}\nawait b()')).toEqual([])
  })
})

describe('tasks', () => {
  test('are found under other names, in other modules, through re-exports and namespaces', () => {
    const root = project({
      'flow.ts': `import { flow as define } from '@millrace/sdk'
        import first, { load as fetch } from './tasks/index.ts'
        import * as others from './tasks/others.ts'
        const later = others.save
        export default define({ name: 'x' }, async () => { await later(await others.tables.check(await fetch(await first()))) })`,
      'tasks/index.ts': `export { load } from './load.ts'
        export * from './others.ts'
        import * as m from '@millrace/sdk'
        export default m.task('first', () => 1)`,
      'tasks/load.ts': `import { task as t } from '@millrace/sdk'\nconst l = t('load', () => 1)\nexport { l as load }`,
      'tasks/others.ts': `import { task } from '@millrace/sdk'
        export const save = task('save', () => 1), tables = { check: task('check', () => 1) }`,
    })
    expect(edges(flowGraph(root, 'x'))).toEqual(['check -> save', 'first -> load', 'load -> check'])
  })

  test('are followed through functions of the project, once for each call of them', () => {
    const top = `async function both(x) { const y = await a(x); return { done: await b(y), raw: y } }`
    const body = 'const one = await both(1)\nawait both(one.done)\nawait c(one.raw)'
    expect(edgesOf(body, { top })).toEqual(['a1 -> b1', 'a1 -> c', 'a2 -> b2', 'b1 -> a2', 'b2 ..> c'])
  })

  test('are followed through functions of other modules that get the task as an argument', () => {
    const body = 'await c(await each(b, await each(a, params.xs)))'
    const top = "import { each } from './each.ts'"
    const each = 'export async function each(run, xs) { return Promise.all(xs.map((x) => run(x))) }'
    expect(edgesOf(body, { top, 'each.ts': each })).toEqual(['a -> b', 'b -> c'])
  })

  test('are followed through a function that calls itself', () => {
    const top = `async function split(x) { const parts = await a(x); await Promise.all(parts.map(split)); return b(parts) }`
    expect(edgesOf('await c(await split(params))', { top })).toEqual(['a -> b', 'a => a', 'b -> c'])
  })

  test('are followed into callbacks of functions that are not at hand, and of methods of classes', () => {
    const top = `import retry from 'p-retry'
    class Watch { seconds = {}; async time(name, body) { try { return await body() } finally { this.seconds[name] = 1 } } }`
    const body = `const watch = new Watch()
    const [x] = await watch.time('one', () => Promise.all([a(), b()]))
    await retry(() => c(x))`
    expect(edgesOf(body, { top })).toEqual(['a -> c', 'b ..> c'])
  })

  test('are followed through methods, constructors and fields of classes, also inherited', () => {
    const top = `class Source { static of(where) { return new Big(where) }
      constructor(where) { this.where = where }
      async load() { return a(this.where) } }
    class Big extends Source { kept = []
      constructor(where) { super(where.name) }
      keep(x) { this.kept.push(x) }
      async save() { await b(this.kept) } }`
    const body = 'const big = Source.of(await c())\nbig.keep(await big.load())\nawait big.save()'
    expect(edgesOf(body, { top })).toEqual(['a -> b', 'c -> a'])
  })

  test('called by another flow that the flow calls, belong to it', () => {
    const other = `import { flow, task } from '@millrace/sdk'
    const inner = task('inner', () => 1)
    export default flow({ name: 'other' }, async ({ x }) => inner(x))`
    const top = "import other from './other.ts'"
    expect(edgesOf('await b(await other({ x: await a() }))', { top, 'other.ts': other })).toEqual([
      'a -> inner',
      'inner -> b',
    ])
  })

  test('called at the top of a module, or inside another task, are in no flow run', () => {
    const top = "a('warm up')\nconst outer = task('outer', async () => b())"
    expect(graphOf('await outer()', { top }).calls.map(({ task }) => task)).toEqual(['outer'])
  })

  test('say how often they are called: once, a known number of times, any number', () => {
    const body = `await a()
    await b.map(['x', 'y', 'z'])
    await c.mapSettled(params.xs)
    while (params.more) await d()
    await Promise.all(params.xs.map(e))`
    expect(graphOf(body).calls.map(({ times }) => times)).toEqual([1, 3, 'many', 'many', 'many'])
  })

  test('say whether a run may pass them by; what follows a mere guard is the rule', () => {
    const body = `if (!params.xs) return
    await a()
    params.p && (await b())
    try { await c() } catch { await d() }
    if (params.quick) return e()
    await a()`
    const said = graphOf(body).calls.map(({ task, conditional }) => [task, conditional])
    expect(said).toEqual([
      ['a', false],
      ['b', true],
      ['c', false],
      ['d', true],
      ['e', true],
      ['a', true],
    ])
  })

  test('show retries, timeout, labels and limit, also of with() and limit(), and "…" for what a run decides', () => {
    const top = `const retries = 3
    const load = task('load', { retries, timeout: '10 minutes', labels: ['gpu', 'big'] }, async () => 1)`
    const body = 'await load()\nawait load.with({ retries: 1, timeout: params.t }).limit(4).map(params.xs)'
    expect(graphOf(body, { top }).calls.map(({ settings }) => settings)).toEqual([
      ['3 retries', 'timeout 10 minutes', 'labels gpu, big'],
      ['1 retry', 'timeout …', 'at most 4 at once', 'labels gpu, big'],
    ])
  })
})

describe('drawings', () => {
  const hostile: TaskGraph = {
    flow: 'a "flow" <b> & `more` #1 \\',
    calls: [
      { id: 0, task: 'load', number: undefined, times: 1, conditional: false, settings: ['labels "x" <y>'] },
      { id: 1, task: 'measure', number: 1, times: 'many', conditional: true, settings: [] },
      { id: 2, task: 'measure', number: 2, times: 3, conditional: false, settings: [] },
    ],
    edges: [
      { from: 0, to: 1, kind: 'data' },
      { from: 1, to: 1, kind: 'again' },
      { from: 1, to: 2, kind: 'order' },
    ],
    complete: false,
  }

  test('in Mermaid escape what people write', () => {
    expect(toMermaid(hostile)).toBe(`flowchart TD
  %% incomplete: the code of the flow was too much to follow to the end
  subgraph flow ["a #quot;flow#quot; #lt;b#gt; #amp; #96;more#96; #35;1 #92;"]
    direction TB
    t1["load<br><small>labels #quot;x#quot; #lt;y#gt;</small>"]
    t2[["measure 1<br><small>× N</small><br><small>conditional</small>"]]
    t3[["measure 2<br><small>× 3</small>"]]
  end
  t1 --> t2
  t2 -- next round --> t2
  t2 -.-> t3
`)
  })

  test('in DOT escape what people write', () => {
    expect(toDot(hostile)).toBe(`digraph "a \\"flow\\" <b> & \`more\` #1 \\\\" {
  // incomplete: the code of the flow was too much to follow to the end
  node [shape=box, style=rounded, fontname="Helvetica", fontsize=12, margin="0.15,0.08"]
  edge [fontname="Helvetica", fontsize=10, arrowsize=0.7]
  subgraph cluster_flow {
    label="a \\"flow\\" <b> & \`more\` #1 \\\\"; fontname="Helvetica"; style=rounded; color="#888888"
    t1 [label=<load<br/><font point-size="9">labels &quot;x&quot; &lt;y&gt;</font>>]
    t2 [label=<measure 1<br/><font point-size="9">× N</font><br/><font point-size="9">conditional</font>>, style="", peripheries=2]
    t3 [label=<measure 2<br/><font point-size="9">× 3</font>>, style="", peripheries=2]
  }
  t1 -> t2
  t2 -> t2 [label="next round", constraint=false]
  t2 -> t3 [style=dashed, color="#888888"]
}
`)
  })

  test('of a flow without tasks say so', () => {
    const empty = graphOf('return 1')
    expect(toMermaid(empty)).toContain('none("calls no tasks")')
    expect(toDot(empty)).toContain('calls no tasks')
  })

  test('of the flows of this project are the same every time', () => {
    const root = join(import.meta.dirname, '../../..')
    expect(toMermaid(flowGraph(root, 'hello'))).toBe(`flowchart TD
  subgraph flow ["hello"]
    direction TB
    t1[["greet<br><small>× N</small>"]]
  end
`)
    const burn = flowGraph(root, 'burn')
    expect(new Set(burn.calls.map(({ task }) => task))).toEqual(new Set(['burn']))
    expect(toMermaid(flowGraph(root, 'burn'))).toBe(toMermaid(burn))
  })

  test('of the flow datacube show its stages', () => {
    const datacube = flowGraph(join(import.meta.dirname, '../../..'), 'datacube')
    expect(datacube.complete).toBe(true)
    expect(edges(datacube)).toEqual(
      expect.arrayContaining([
        'fetch_data -> read_data',
        'read_data -> validate_and_fix',
        'read_data -> save_raw_data',
        'subtile_aggregation -> compute_tiling',
        'compute_global_timeseries -> record_results',
        'temporal_aggregation ..> compute_global_timeseries',
      ]),
    )
    expect(edges(datacube)).not.toContain('save_raw_data -> validate_and_fix')
  })
})

describe('mistakes', () => {
  test('in the code are told by file, line and column', () => {
    const root = project({
      'flow.ts': "import { flow } from '@millrace/sdk'\n\nexport default flow({ name: 'é' }, async ( => 1)\n",
    })
    expect(() => flowGraph(root, 'x')).toThrow(new UserError('flows/x/flow.ts:3:44: Unexpected token'))
  })

  test('in a module that the flow imports are told for that module', () => {
    const top = "import { y } from './deep/y.ts'"
    expect(() => graphOf('await a(y)', { top, 'deep/y.ts': 'export const y =\n' })).toThrow(
      /^flows\/x\/deep\/y\.ts:\d+:\d+: /,
    )
  })

  test('name a module that is not there, but no module that only gives types', () => {
    expect(() => graphOf('', { top: "import { y } from './gone.ts'" })).toThrow(
      'flows/x/flow.ts:7:19: there is no module ./gone.ts',
    )
    expect(edgesOf('await b(await a())', { top: "import type { Y } from './gone.ts'" })).toEqual(['a -> b'])
  })

  test('name the flows there are', async () => {
    const unknown = await graph('nope', { format: 'dot' }).catch((error: unknown) => error)
    expect(unknown).toBeInstanceOf(UserError)
    expect(unknown).toMatchObject({ message: 'there is no flow "nope"', hint: expect.stringContaining('hello') })
    const none = await graph(undefined, { format: 'mermaid' }).catch((error: unknown) => error)
    expect(none).toMatchObject({ message: 'which flow?', hint: expect.stringContaining('burn') })
  })

  test('say that a module exports no flow', () => {
    const root = project({ 'flow.ts': 'export const x = 1\n' })
    expect(() => flowGraph(root, 'x')).toThrow('flows/x/flow.ts must export a flow as default')
  })
})

test('code that never ends by itself is followed to an end', () => {
  const top = `function ping(n) { return pong(n) }\nfunction pong(n) { return n ? ping(n - 1) : a(n) }
  const wide = (f) => [f(), f(), f(), f()]`
  const nested = 'wide(() => wide(() => wide(() => wide(() => wide(() => wide(() => 1))))))'
  const drawn = graphOf(`for (;;) { for (;;) { for (;;) { await b(await ping(${nested})) } } }`, { top })
  expect(edges(drawn)).toContain('a -> b')
})
