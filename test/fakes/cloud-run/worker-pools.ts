import { bodyOf, type Json, json, refuse } from '../google-cloud/answers.ts'
import type { Answer, Ask } from '../serve.ts'

interface Pool {
  body: Json
  generation: number
  /** Every number of instances that it was set to. */
  readonly sizes: number[]
  /** Why it does not come up. */
  trouble: string | undefined
}

/** Worker pools of one region: https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.workerPools */
export class WorkerPoolsFake {
  readonly #pools = new Map<string, Pool>()

  /** A pool as `pulumi up` leaves it. */
  add(name: string, instances: number): void {
    const template = { containers: [{ image: 'worker' }], serviceAccount: 'workers@example.org' }
    const body = { labels: { app: 'millrace' }, template, scaling: { manualInstanceCount: instances } }
    this.#pools.set(name, { body, generation: 1, sizes: [], trouble: undefined })
  }

  /** Every number of instances that it was set to since. */
  sizes(name: string): readonly number[] {
    return this.#of(name).sizes
  }

  /** As it is. */
  body(name: string): Json {
    return this.#of(name).body
  }

  /** From now on it does not come up; without words it does again. */
  setTrouble(name: string, words: string | undefined): void {
    this.#of(name).trouble = words
  }

  /**
   * @param fullName `projects/…/workerPools/NAME`
   * @param begin makes the operation of a change
   */
  answer(ask: Ask, fullName: string, begin: (resource: Json) => Answer): Answer {
    const name = fullName.split('/').at(-1) ?? ''
    const pool = this.#pools.get(name)
    if (!pool) return refuse(404, 'NOT_FOUND', `Resource '${name}' of kind 'WORKER_POOL' does not exist.`)
    if (ask.method === 'GET') return json(resourceOf(fullName, pool))
    if (ask.method !== 'PATCH') return { status: 404, body: '<html>Not Found</html>' }
    const mask = ask.url.searchParams.get('updateMask')?.split(',') ?? []
    // Without a mask all that is left out is taken away: an image, too.
    if (mask.length === 0) return refuse(400, 'INVALID_ARGUMENT', 'template.containers: should have one container')
    // https://protobuf.dev/programming-guides/json: paths of a mask are in lowerCamelCase.
    const snake = mask.find((path) => path.includes('_'))
    if (snake) return refuse(400, 'INVALID_ARGUMENT', `Invalid field mask path "${snake}"`)
    const body = bodyOf(ask)
    for (const path of mask) {
      const value = path.split('.').reduce<unknown>((at, key) => (at as Json | undefined)?.[key], body)
      pool.body = withValue(pool.body, path.split('.'), value)
    }
    pool.generation++
    const { manualInstanceCount } = pool.body.scaling as Json
    pool.sizes.push(Number(manualInstanceCount ?? 0))
    return begin(resourceOf(fullName, pool))
  }

  #of(name: string): Pool {
    const found = this.#pools.get(name)
    if (!found) throw new Error(`there is no worker pool ${name}`)
    return found
  }
}

function resourceOf(name: string, { body, generation, trouble }: Pool): Json {
  const condition =
    trouble === undefined
      ? { type: 'Ready', state: 'CONDITION_SUCCEEDED' }
      : { type: 'Ready', state: 'CONDITION_FAILED', message: trouble }
  return { ...body, name, generation: String(generation), launchStage: 'GA', terminalCondition: condition }
}

function withValue(object: Json, [key = '', ...rest]: readonly string[], value: unknown): Json {
  return { ...object, [key]: rest.length > 0 ? withValue((object[key] ?? {}) as Json, rest, value) : value }
}
