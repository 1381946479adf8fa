import { readFileSync } from 'node:fs'
import { block, github, isByWorkflow } from './github.mjs'
import { readText } from './read-text.mjs'

/** By this the comment is found again. */
const MARK = '<!-- millrace: plan -->'
const STACKS = ['dev', 'prod']

/**
 * The pull request that a run was for, by what GitHub itself says of the run; nothing of the run's own files is asked.
 * None when it is closed, or when there is something newer in it, which has a run of its own.
 */
async function findPull({ ask }, { head_repository: from, head_branch: branch, head_sha: sha }) {
  if (!from) return undefined
  const head = encodeURIComponent(`${from.owner.login}:${branch}`)
  const pulls = await ask('GET', `/pulls?state=open&head=${head}`)
  return pulls.find((pull) => pull.head.sha === sha)
}

/** @param {Record<string, string | undefined>} plans the text of each stack's plan */
function commentOf(plans, { html_url: run, head_sha: sha }) {
  const sections = STACKS.map((stack) => {
    const plan = plans[stack]
    const shown = plan === undefined ? 'There is none: see the run.' : block(plan)
    return `<details><summary>${stack}</summary>\n\n${shown}\n\n</details>`
  })
  return [MARK, `### What this changes in the cloud`, ...sections, `As of ${sha}, by [this run](${run}).`].join('\n\n')
}

const { workflow_run: run } = JSON.parse(readFileSync(process.env.GITHUB_EVENT_PATH, 'utf8'))
const api = github()
const pull = await findPull(api, run)
if (pull) {
  const plans = Object.fromEntries(
    STACKS.map((stack) => [stack, readText(process.env.PLANS, `plan-${stack}`, 'plan.txt')]),
  )
  const body = commentOf(plans, run)
  const comments = await api.all(`/issues/${pull.number}/comments?`)
  const before = comments.find((comment) => isByWorkflow(comment) && comment.body.startsWith(MARK))
  if (before) await api.ask('PATCH', `/issues/comments/${before.id}`, { body })
  else await api.ask('POST', `/issues/${pull.number}/comments`, { body })
  console.log(`The plan is shown in pull request ${pull.number}.`)
} else console.log('No open pull request ends in this commit: there is nowhere to show the plan.')
