import { stripVTControlCharacters } from 'node:util'
import { type Engine, type Messages, startEngine } from './engine.ts'
import { findCalls } from './find-calls.ts'
import type { Place } from './known-outputs.ts'
import { PlanError } from './plan-error.ts'
import type { Plan } from './planned-resource.ts'
import { type Ended, type Program, runProgram } from './program.ts'
import { madeUpOutputs, withOrigins } from './rehearsal.ts'
import { inTreeOrder } from './tree-order.ts'
import { STACK_TYPE } from './urn.ts'

/** A program that is not done by then waits for something that never comes. */
const LONGEST_RUN = 180_000

export interface PlanOptions {
  /** Breaks it off. */
  readonly signal?: AbortSignal
  /** Whether to find out where unknown values come from, which takes a second run. @default true */
  readonly origins?: boolean
}

/**
 * Runs a program and gives back what it wants to be there.
 * @throws PlanError when the program ends with an error, or asks the cloud for something
 */
export async function planProgram(program: Program, { signal, origins = true }: PlanOptions = {}): Promise<Plan> {
  const late = AbortSignal.timeout(LONGEST_RUN)
  const over = new AbortController()
  const until = AbortSignal.any([late, over.signal, ...(signal ? [signal] : [])])
  try {
    const [plan, rehearsed] = await Promise.all([
      planOnce(program, until),
      origins ? rehearse(program, until) : undefined,
    ])
    return rehearsed ? withOrigins(plan, rehearsed) : plan
  } catch (error) {
    if (!late.aborted || signal?.aborted) throw error
    throw new PlanError(`${program.main} did not end in ${LONGEST_RUN / 1000} seconds; it waits for something`, {
      isMistake: false,
    })
  } finally {
    over.abort()
  }
}

async function planOnce(program: Program, signal: AbortSignal): Promise<Plan> {
  const engine = await startEngine({ ...program, place: placeIn(program) })
  try {
    const ended = await runProgram(program, engine.address, signal)
    const calls = [...engine.recording.calls]
    if (calls.length > 0) throw cloudCalls(program, calls)
    if (ended.code !== 0 || engine.messages.errors.length > 0) throw failure(ended, engine.messages)
    return planOf(program, engine, ended)
  } finally {
    engine.stop()
  }
}

/** A run only to see where unknown values come from: what it ends with does not matter. */
async function rehearse(program: Program, signal: AbortSignal): Promise<Plan | undefined> {
  const engine = await startEngine({ ...program, place: placeIn(program), makeUp: madeUpOutputs(program.root) })
  try {
    return planOf(program, engine, await runProgram(program, engine.address, signal, { isHeard: false }))
  } catch {
    return undefined
  } finally {
    engine.stop()
  }
}

function planOf({ project, stack }: Program, { recording, messages }: Engine, ended: Ended): Plan {
  const outputsOf = (urn: string) => recording.outputs.get(urn) ?? {}
  const resources = inTreeOrder(recording.resources)
  const root = resources.find((each) => each.type === STACK_TYPE)
  return {
    stack,
    project,
    resources: resources.map(({ calls: _, ...each }) => ({
      ...each,
      outputs: each.urn === root?.urn ? {} : outputsOf(each.urn),
    })),
    outputs: root ? outputsOf(root.urn) : {},
    warnings: [...messages.warnings.map((text) => text.trim()), ...ended.err.split('\n').filter(Boolean)],
  }
}

/** Where a provider without settings of its own puts things: the config of `gcp`, and the number of our project. */
function placeIn({ project, config }: Program): Place {
  return {
    project: config['gcp:project'],
    projectNumber: numberIn(config[`${project}:project`]),
    region: config['gcp:region'],
    zone: config['gcp:zone'],
  }
}

function numberIn(json: string | undefined): string | undefined {
  try {
    const { number } = JSON.parse(json ?? '{}')
    return typeof number === 'string' ? number : undefined
  } catch {
    // The program says better what is wrong with it.
    return undefined
  }
}

function cloudCalls(program: Program, tokens: readonly string[]): PlanError {
  const lines = tokens.map((token) => {
    const places = findCalls(program, token)
    return `the plan must not depend on the cloud: ${token} is called${places.length > 0 ? ` at ${places.join(', ')}` : ''}`
  })
  return new PlanError(lines.join('\n'), { isMistake: false })
}

/** What the runner puts before an error that is not meant for the user. */
const DEFECT = /^Running program '.*' failed with an unhandled exception:\n/

function failure({ code, out, err }: Ended, { errors }: Messages): PlanError {
  const messages = [...new Set(errors.map((text) => stripVTControlCharacters(text).trim()))]
  if (messages.length === 0) {
    const printed = stripVTControlCharacters(`${out}${err}`).trim()
    return new PlanError(printed || `the program ended with code ${code} and said nothing`, { isMistake: false })
  }
  return new PlanError(messages.map((text) => text.replace(DEFECT, '')).join('\n'), {
    isMistake: messages.every((text) => !DEFECT.test(text) && !/\n\s+at /.test(text)),
  })
}
