import type { Change, Difference } from '../difference.ts'
import { factsOf } from '../facts.ts'
import type { PlannedResource } from '../planned-resource.ts'
import { titleOf } from '../title.ts'
import { nameOf, typeOf } from '../urn.ts'
import { WIDTH, wrap } from './lines.ts'
import { type Paint, plain } from './paint.ts'

/** What changed, for a person to read: `+` for what is new, `-` for what is gone, `~` and the changes of the rest. */
export function differenceText(stack: string, since: string, difference: Difference, paint: Paint = plain): string {
  const { added, removed, changed, outputs } = difference
  const parts = [`${added.length} added`, `${removed.length} removed`, `${changed.length} changed`]
  return `${[
    paint('bold', `Plan of ${stack} since ${since}: ${parts.join(', ')}`),
    ...added.map((each) => paint('bold', `+ ${line(each)}`)),
    ...removed.map((each) => paint('red', `- ${line(each)}`)),
    ...changed.flatMap(({ resource, changes }) => [
      paint('bold', `~ ${titleOf(resource)}`),
      ...changes.flatMap((change) => changeLines(change)),
    ]),
    ...(outputs.length > 0 ? [paint('bold', '~ outputs of the stack'), ...outputs.flatMap(changeLines)] : []),
  ].join('\n')}\n`
}

function line(each: PlannedResource): string {
  const facts = factsOf(each)
  return facts.length > 0 ? `${titleOf(each)}  ${facts.join(', ')}` : titleOf(each)
}

function changeLines({ path, from, to }: Change): string[] {
  const [was, is] = [from, to].map((value) => (value === undefined ? undefined : readable(value)))
  const text =
    was === undefined ? `${path}: + ${is}` : is === undefined ? `${path}: - ${was}` : `${path}: ${was} → ${is}`
  return wrap(text.split(' '), WIDTH - 6).map((each, i) => `${i === 0 ? '    ' : '      '}${each}`)
}

/** URNs are long, and the same for the most part; a text of many lines is shown in one. */
function readable(value: string): string {
  if (value.startsWith('urn:pulumi:')) return titleOf({ type: typeOf(value), name: nameOf(value) })
  return value.replaceAll('\n', '\\n')
}
