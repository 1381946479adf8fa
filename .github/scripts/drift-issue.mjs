import { block, github, isByWorkflow } from './github.mjs'
import { readText } from './read-text.mjs'

/** By this the issue is found again. */
const MARK = '<!-- millrace: drift -->'
const TITLE = 'What exists differs from what is declared'

/** What was seen of a stack: `same`, `differs`, or nothing that can be relied on. */
function look(stack) {
  const read = (name) => readText(process.env.LOOKS, `drift-${stack}`, name)
  return { stack, outcome: read('outcome.txt')?.trim() ?? 'failed', preview: read('preview.txt') }
}

function issueOf(looks, run) {
  const sections = looks.map(({ stack, outcome, preview }) => {
    if (outcome === 'same') return `### ${stack}: as declared`
    const heading = `### ${stack}: ${outcome === 'differs' ? 'differs' : 'could not be looked at'}`
    return preview === undefined ? heading : `${heading}\n\n${block(preview)}`
  })
  const advice = `\`pulumi up\` makes it as declared again; or declare it as it is. Seen by [this run](${run}).`
  return [MARK, ...sections, advice].join('\n\n')
}

const { GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID, STACKS } = process.env
const run = `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}`
const looks = JSON.parse(STACKS).map(({ stack }) => look(stack))
const isAllWell = looks.every(({ outcome }) => outcome === 'same')
const api = github()
const open = await api.all('/issues?state=open&creator=github-actions%5Bbot%5D')
const issue = open.find((each) => isByWorkflow(each) && each.body?.startsWith(MARK))
const body = issueOf(looks, run)
if (issue) await api.ask('PATCH', `/issues/${issue.number}`, { body, ...(isAllWell && { state: 'closed' }) })
else if (!isAllWell) await api.ask('POST', '/issues', { title: TITLE, body })
console.log(looks.map(({ stack, outcome }) => `${stack}: ${outcome}`).join('\n'))
