import { stripVTControlCharacters } from 'node:util'
import { UserError } from '@millrace/sdk'
import type { RolldownError } from 'rolldown'
import { placeOf } from './place.ts'

/** One line for each thing that keeps a flow from being compiled, with file and line; undefined for a defect of ours. */
export function compileError(error: unknown, root: string): UserError | undefined {
  const { errors } = error as { errors?: readonly RolldownError[] }
  if (!(error instanceof Error) || !errors || errors.some(({ code }) => code === 'PLUGIN_ERROR')) return undefined
  const [first, ...others] = errors.map((each) => describe(each, root))
  return first === undefined ? undefined : new UserError(first, others.join('\n') || undefined)
}

function describe({ message, loc, id }: RolldownError, root: string): string {
  // The first line says what is wrong; the others draw where.
  const [line = ''] = stripVTControlCharacters(message).split('\n')
  const what = line.replace(/^\[\w+\] /, '').replace(/\.$/, '')
  const file = loc?.file ?? id
  const place = file === undefined ? undefined : (placeOf(root, file) ?? file)
  if (place === undefined) return what
  // Where it is stands in front already.
  return `${place}${loc ? `:${loc.line}:${loc.column + 1}` : ''}: ${what.replace(` in ${place}`, '')}`
}
