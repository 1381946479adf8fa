import { execFileSync } from 'node:child_process'
import { createInterface } from 'node:readline/promises'
import { CancelledError, store, UserError } from '@millrace/sdk'
import type { Terminal } from '../commands/bootstrap.ts'
import { checkTemplate, TEMPLATE_NAMES, type TemplateName } from './template.ts'

/** What the author of a new flow says about it. */
export interface Answers {
  readonly template: TemplateName
  readonly description: string
  readonly owner: string
  readonly contact: string
  /** Store URLs of production. */
  readonly source: string
  readonly sink: string
}

/** As options on the command line gave it. */
export type Given = Partial<Record<keyof Answers, string>>

interface Question {
  readonly text: string
  /** @returns the answer as it is used @throws UserError */
  readonly check: (answer: string, option: string) => string
  /** Taken where nothing is given. */
  readonly otherwise?: (root: string) => string | undefined
}

const QUESTIONS: Readonly<Record<keyof Answers, Question>> = {
  template: { text: `Template: one of ${TEMPLATE_NAMES.join(', ')}`, check: checkTemplate },
  description: { text: 'What it is for, in a sentence', check: line },
  owner: { text: 'Who owns it', check: line, otherwise: (root) => git(root, 'user.name') },
  contact: { text: 'Whom to ask about it, an address', check: line, otherwise: (root) => git(root, 'user.email') },
  source: { text: 'Where production reads, a URL: gs://…, s3://…, file:…', check: storeUrl },
  sink: { text: 'Where production writes, a URL', check: storeUrl },
}
const FIELDS = Object.keys(QUESTIONS) as (keyof Answers)[]

/** Checks what is given. @throws UserError naming the option */
export function checkGiven(given: Given): Given {
  const checked = FIELDS.flatMap((field) => {
    const answer = given[field]
    return answer === undefined ? [] : [[field, QUESTIONS[field].check(answer, `--${field}`)] as const]
  })
  return Object.fromEntries(checked)
}

/**
 * Asks for what is not given and cannot be known otherwise.
 * @throws UserError where nobody can be asked; CancelledError where nobody answers
 */
export async function answerAll(root: string, given: Given, terminal: Terminal): Promise<Answers> {
  const known: Given = { ...given }
  for (const field of FIELDS) {
    const answer = known[field] ?? QUESTIONS[field].otherwise?.(root)
    if (answer !== undefined) known[field] = answer
  }
  const missing = FIELDS.filter((field) => known[field] === undefined)
  if (missing.length > 0) Object.assign(known, await ask(missing, terminal))
  const { template = '', description = '', owner = '', contact = '', source = '', sink = '' } = known
  return { template: checkTemplate(template), description, owner, contact, source, sink }
}

async function ask(fields: readonly (keyof Answers)[], { input, output }: Terminal): Promise<Given> {
  if (!input.isTTY) {
    const options = fields.map((field) => `--${field}`)
    throw new UserError(
      `new: ${list(options)} ${options.length === 1 ? 'is' : 'are'} missing, and there is nobody here to ask`,
      fields.map((field) => `--${field}: ${QUESTIONS[field].text}`).join('\n'),
    )
  }
  const lines = createInterface({ input, output })
  // An iterator keeps what is typed ahead, and ends on Ctrl-C.
  const typed = lines[Symbol.asyncIterator]()
  const answers: Given = {}
  try {
    for (const field of fields) {
      const { text, check } = QUESTIONS[field]
      while (answers[field] === undefined) {
        lines.setPrompt(`${text}: `)
        lines.prompt()
        const answer = await typed.next()
        if (answer.done) {
          output.write('\n')
          throw new CancelledError('nothing was made')
        }
        try {
          answers[field] = check(answer.value, `--${field}`)
        } catch (error) {
          if (!(error instanceof UserError)) throw error
          output.write(`  ${error.message}\n`)
        }
      }
    }
  } finally {
    lines.close()
  }
  return answers
}

/** One line of text. */
function line(answer: string, option: string): string {
  const text = answer.trim()
  if (text !== '' && !/[\p{Cc}\u2028\u2029]/u.test(text)) return text
  throw new UserError(`${option}: expected one line of text, got ${JSON.stringify(answer)}`)
}

function storeUrl(answer: string, option: string): string {
  const url = line(answer, option)
  try {
    return store(url).url
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new UserError(`${option}: ${error.message}`, error.hint)
  }
}

/** A setting of git; undefined where there is none, or no git. */
function git(root: string, name: string): string | undefined {
  try {
    const text = execFileSync('git', ['config', name], { cwd: root, encoding: 'utf8', stdio: 'pipe' })
    return line(text, name)
  } catch {
    return undefined
  }
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
