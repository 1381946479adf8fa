import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { flow, UserError } from '@millrace/sdk'
import { type Answers, answerAll, checkGiven, type Given } from '../new/answers.ts'
import { fillIn, fillInPath } from '../new/fill-in.ts'
import { checkFree, putInPlace } from '../new/put-in-place.ts'
import { checkTemplate, readTemplate, TEMPLATE_NAMES } from '../new/template.ts'
import { root } from '../project.ts'
import type { Terminal } from './bootstrap.ts'

/** `millrace new FLOW --template NAME` */
export async function newFlow(
  name: string,
  { dryRun = false, ...options }: Given & { readonly dryRun?: boolean },
  terminal: Terminal = { input: process.stdin, output: process.stdout },
  project = root,
): Promise<void> {
  const say = (...lines: string[]): void => void terminal.output.write(`${lines.join('\n')}\n`)
  checkProject(project)
  checkName(name)
  checkFree(project, name)
  const given = checkGiven(options)
  if (dryRun) {
    const paths = filesOf(name, given.template)
    return say(`Would make the flow ${name}:`, ...paths.map((path) => `  ${path}`), 'Dry run: nothing was written.')
  }
  const answers = await answerAll(project, given, terminal)
  const files = fillIn(readTemplate(answers.template), name, answers)
  putInPlace(project, name, files)
  say(
    `Made the flow ${name} (${answers.template}), owner ${answers.owner}, contact ${answers.contact}:`,
    ...files.map(({ path }) => `  ${path}`),
    '',
    ...next(project, name, answers),
  )
}

/** @throws UserError where there is no project */
function checkProject(project: string): void {
  if (existsSync(join(project, 'flows'))) return
  throw new UserError(
    `new: there is no folder flows here, nor above; go to the folder of the project, or make ${project}/flows`,
  )
}

/** A name is what a flow can be made with. @throws UserError */
function checkName(name: string): void {
  flow({ name }, () => {})
}

/** @throws UserError when the template is missing or unknown */
function filesOf(name: string, template: string | undefined): string[] {
  if (template === undefined) {
    throw new UserError(`new: --template is missing: one of ${TEMPLATE_NAMES.join(', ')}`)
  }
  return readTemplate(checkTemplate(template)).map(({ path }) => fillInPath(path, name))
}

function next(project: string, name: string, { description }: Answers): string[] {
  return [
    'Next:',
    `  npx millrace run ${name} --fixture example`,
    `  npm run vitest -- test/flows/${name}.test.ts`,
    `flows/${name}/README.md says how it works, and how to make it yours.`,
    ...(existsSync(join(project, 'flows/README.md'))
      ? ['For the table in flows/README.md:', `  | [${name}](${name}/README.md) | ${description} |`]
      : []),
  ]
}
