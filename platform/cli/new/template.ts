import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { nearest, UserError } from '@millrace/sdk'

/** The templates, and what each is for. Each is a folder of ../templates. */
export const TEMPLATES = {
  etl: 'files in, SQL, files out',
  'fan-out': 'plan, measure each part, add up',
  sync: 'copy from one store to another what is new or has changed',
} as const satisfies Readonly<Record<string, string>>

export type TemplateName = keyof typeof TEMPLATES

export const TEMPLATE_NAMES = Object.keys(TEMPLATES) as TemplateName[]

const FOLDER = join(import.meta.dirname, '../templates')

/** A file of a template, or of what is made from it. */
export interface TemplateFile {
  /** Relative to the project's folder, with "/". */
  readonly path: string
  readonly text: string
}

/** @throws UserError naming those there are */
export function checkTemplate(name: string): TemplateName {
  const found = TEMPLATE_NAMES.find((each) => each === name)
  if (found) return found
  const near = nearest(name, TEMPLATE_NAMES)
  throw new UserError(
    `--template: there is no template "${name}"${near ? `; did you mean "${near}"?` : ''}`,
    `There are: ${TEMPLATE_NAMES.map((each) => `${each} (${TEMPLATES[each]})`).join(', ')}.`,
  )
}

export function readTemplate(name: TemplateName): TemplateFile[] {
  const folder = join(FOLDER, name)
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ path: relative(folder, file).split(sep).join('/'), text: readFileSync(file, 'utf8') }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}
