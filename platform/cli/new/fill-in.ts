import type { Answers } from './answers.ts'
import type { TemplateFile } from './template.ts'

/** The name of the flow in a template. */
const NAME = 'my-flow'
/** What else is filled in. */
const BLANKS = {
  DESCRIPTION: 'description',
  OWNER: 'owner',
  CONTACT: 'contact',
  SOURCE: 'source',
  SINK: 'sink',
} as const
type Blank = keyof typeof BLANKS

const ANY = Object.keys(BLANKS).join('|')
/** In code a blank is all of a property's value. */
const IN_CODE = new RegExp(`^( *)(\\w+): '(${ANY})',$|${NAME}`, 'gm')
const IN_PROSE = new RegExp(`\\b(${ANY})\\b|${NAME}`, 'g')
const LINE_WIDTH = 120

/** The files of a flow, from those of a template. */
export function fillIn(files: readonly TemplateFile[], name: string, answers: Answers): TemplateFile[] {
  const code = (_: string, indent: string, key: string, blank?: Blank): string =>
    blank ? property(indent, key, answers[BLANKS[blank]]) : name
  const prose = (_: string, blank?: Blank): string => (blank ? answers[BLANKS[blank]] : name)
  return files.map(({ path, text }) => {
    const filled = path.endsWith('.ts') ? text.replace(IN_CODE, code) : text.replace(IN_PROSE, prose)
    return { path: fillInPath(path, name), text: filled }
  })
}

export function fillInPath(path: string, name: string): string {
  return path.replaceAll(NAME, name)
}

/** As the formatter writes it. */
function property(indent: string, key: string, value: string): string {
  const line = `${indent}${key}: ${literal(value)},`
  return line.length <= LINE_WIDTH ? line : `${indent}${key}:\n${indent}  ${literal(value)},`
}

/** In single quotes, or in double ones where that takes fewer backslashes. */
function literal(text: string): string {
  const singles = text.split("'").length
  const quote = singles > 1 && singles > text.split('"').length ? '"' : "'"
  return quote + text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`) + quote
}
