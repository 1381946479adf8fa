import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { begin, command, type Going } from './command.ts'
import { copyProject } from './project-copy.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** Run by other means: the install by whoever runs the tests, the demo by its own test, the tests by now. */
const ELSEWHERE = new Set(['npm ci && npm run demo', 'npm test', 'npm run bench', 'npm run bench -- --peers'])

type Step =
  | { readonly kind: 'file'; readonly path: string; readonly text: string }
  | { readonly kind: 'command'; readonly line: string }

/** What a README tells its reader to do, in order: files to make, commands to type. */
function steps(text: string): Step[] {
  const found: Step[] = []
  for (const [, path, language, body = ''] of text.matchAll(/(?:<!-- file: (\S+) -->\n)?```(\w+)\n([\s\S]*?)```/g)) {
    if (path) found.push({ kind: 'file', path, text: body })
    else if (language === 'sh') {
      for (const line of body.split('\n')) {
        const typed = line.replace(/\s+#.*$/, '').trim()
        if (typed && !ELSEWHERE.has(typed)) found.push({ kind: 'command', line: typed })
      }
    }
  }
  return found
}

const PAGES = [
  'README.md',
  'flows/README.md',
  'platform/README.md',
  'test/README.md',
  'infra/README.md',
  'images/README.md',
  'docs/first-deployment.md',
  'docs/rotate-a-secret.md',
  'docs/run-anywhere.md',
  'docs/queues-and-schedules.md',
  'docs/agents.md',
  'docs/local-stack.md',
  'flows/datacube/README.md',
]

/** What each page says, but for commands that one before it says too. */
function stepsByPage(): (readonly [page: string, steps: readonly Step[]])[] {
  const seen = new Set<string>()
  return PAGES.flatMap((page) => {
    const found = steps(readFileSync(join(ROOT, page), 'utf8')).filter((step) => {
      if (step.kind === 'file') return true
      const isNew = !seen.has(step.line)
      seen.add(step.line)
      return isNew
    })
    return found.length > 0 ? [[page, found] as const] : []
  })
}

describe.each(stepsByPage())('%s', (_page, found) => {
  let project: Awaited<ReturnType<typeof copyProject>>
  const background: Going[] = []

  beforeAll(async () => {
    project = await copyProject()
  })
  afterAll(async () => {
    for (const { interrupt, ended } of background.reverse()) {
      interrupt()
      expect((await ended).code).toBe(0)
    }
    await project.remove()
  })

  it.each(found.map((step) => [step.kind === 'file' ? step.path : step.line, step] as const))(
    '%s',
    async (_title, step) => {
      if (step.kind === 'file') {
        const path = join(project.folder, step.path)
        mkdirSync(dirname(path), { recursive: true })
        writeFileSync(path, step.text)
      } else if (/millrace (start|worker start)\b/.test(step.line)) {
        // Without npx, which on Ctrl-C does not pass on what the command ended with.
        const going = begin(step.line.replace('npx ', ''), project.folder)
        background.push(going)
        await going.prints(/are up|slots/)
      } else {
        const { code, out, err } = await command(step.line, project.folder)
        expect(code, `${out}\n${err}`).toBe(0)
        expect(out.length).toBeGreaterThan(0)
      }
    },
    120_000,
  )
})
