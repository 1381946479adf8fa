import { type Known, neverRuns } from './workflows-conditions.ts'
import {
  type GithubFile,
  type Job,
  type Mapping,
  mapping,
  readActionSteps,
  readWorkflow,
  text,
  type Workflow,
} from './workflows-model.ts'

/** Events that only those can cause who may write here, or time does. */
const BY_US = ['push', 'delete', 'schedule', 'workflow_dispatch']
/** A stranger causes these, and their jobs are looked at one by one. */
const BY_ANYONE = ['pull_request', 'workflow_run']

/** A pull request from a fork, as GitHub tells it; its repository may be gone meanwhile. */
const FORKS: readonly Known[] = ['stranger/millrace', null].map((full_name) => ({
  github: {
    event_name: 'pull_request',
    repository: 'owner/millrace',
    repository_owner: 'owner',
    event: { pull_request: { head: { repo: full_name === null ? { full_name } : { full_name, fork: true } } } },
  },
}))

const CLOUD = './.github/actions/cloud'
/** What changes a stack. */
const APPLIES =
  /\bpulumi\b.*\s(up|update|destroy|refresh|import|cancel|state|stack)\b|\bmillrace (deploy|undeploy|rollback)\b/

/**
 * What is wrong with workflows and actions, a line each. Above all: nobody who may not write here can have anything done
 * with a token that writes, as an identity of the cloud, or with a secret.
 */
export function workflowFaults(files: readonly GithubFile[]): string[] {
  const workflows = files.filter(({ path }) => path.includes('/workflows/')).map(readWorkflow)
  const actions = files.filter(({ path }) => path.includes('/actions/'))
  return [
    ...actions.flatMap((file) =>
      readActionSteps(file).flatMap((step) => [...pinFaults(file, step.uses), ...stepFaults(file.path, step)]),
    ),
    ...workflows.flatMap((workflow) => [
      ...eventFaults(workflow),
      ...tokenFaults(workflow),
      ...workflow.jobs.flatMap((job) => [
        ...job.steps.flatMap(({ uses }) => pinFaults(workflow, uses)),
        ...jobFaults(workflow, job),
      ]),
    ]),
  ]
}

/** An action's tag can be moved to other code, a commit cannot. */
function pinFaults({ path, text }: GithubFile, uses: unknown): string[] {
  if (typeof uses !== 'string' || uses.startsWith('./')) return []
  if (!/^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/.test(uses)) return [`${path}: ${uses} is not pinned by a commit`]
  return new RegExp(`${uses} # v\\d+\\.\\d+\\.\\d+$`, 'm').test(text)
    ? []
    : [`${path}: ${uses} does not say which version it is`]
}

function eventFaults({ path, events }: Workflow): string[] {
  return Object.keys(events).flatMap((event) => {
    if (event === 'pull_request_target') {
      return [`${path}: pull_request_target runs with this repository's rights for anybody's pull request`]
    }
    return BY_US.includes(event) || BY_ANYONE.includes(event) ? [] : [`${path}: nobody has said who can cause ${event}`]
  })
}

function tokenFaults({ path, content }: Workflow): string[] {
  const permissions = content.permissions
  const none = typeof permissions === 'object' && permissions !== null && Object.keys(permissions).length === 0
  return none ? [] : [`${path}: has no "permissions: {}", so that a job that says nothing gets some`]
}

function jobFaults(workflow: Workflow, job: Job): string[] {
  const { name, content, steps, permissions } = job
  const say = (wrong: string): string => `${name}: ${wrong}`
  return [
    ...(mapping(content).permissions === undefined ? [say('does not say what its token may do')] : []),
    ...(permissions && 'all' in permissions ? [say('asks for permissions by the dozen')] : []),
    ...('uses' in content ? [say('calls another workflow, which cannot be judged here')] : []),
    ...(typeof content['timeout-minutes'] === 'number' ? [] : [say('has no timeout-minutes')]),
    ...(/^ubuntu-\d/.test(text(content['runs-on']))
      ? []
      : [say('does not run on a machine of GitHub of a set version')]),
    ...steps.flatMap((step) => stepFaults(name, step)),
    ...(usesSecrets(workflow, job) ? [say('uses a secret: identities come by federation')] : []),
    ...federationFaults(job).map(say),
    ...applyFaults(job).map(say),
    ...('pull_request' in workflow.events ? forkFaults(job).map(say) : []),
    ...('workflow_run' in workflow.events ? strangersFilesFaults(job).map(say) : []),
  ]
}

function stepFaults(where: string, step: Mapping): string[] {
  const say = (wrong: string): string => `${where}: ${wrong}`
  const { run, uses } = step
  const using = mapping(step.with)
  return [
    // What a stranger may choose (a title, a branch) would be part of the script.
    ...([run, using.script].some((script) => text(script).includes('${{'))
      ? [say('puts an expression into a script; give it by env, and quote it')]
      : []),
    ...(/GITHUB_(ENV|PATH)\b/.test(text(run)) ? [say('changes the environment of steps after it')] : []),
    ...(text(uses).startsWith('actions/checkout@') && using['persist-credentials'] !== false
      ? [say('leaves its token in the checkout; add persist-credentials: false')]
      : []),
  ]
}

function usesSecrets({ content }: Workflow, job: Job): boolean {
  return 'secrets' in job.content || /\$\{\{[^}]*\bsecrets\b/.test(JSON.stringify([content.env, job.content]))
}

/** An identity only where one is used, and only in an environment, whose owner can say who may. */
function federationFaults({ content, permissions, steps }: Job): string[] {
  const isFederated = permissions?.['id-token'] === 'write'
  const becomes = steps.some(({ uses }) => uses === CLOUD || text(uses).startsWith('google-github-actions/auth@'))
  return [
    ...(isFederated && !becomes ? ['may become an identity, and does not'] : []),
    ...(becomes && !isFederated ? ['becomes an identity without id-token: write'] : []),
    ...(isFederated && !environmentOf(content) ? ['becomes an identity outside of an environment'] : []),
  ]
}

/** What changes a stack: in that stack's environment, one at a time, and let end. */
function applyFaults({ content, steps }: Job): string[] {
  const applying = steps.filter(
    (step) => APPLIES.test(text(step.run)) || JSON.stringify(step).includes('GCP_APPLY_SERVICE_ACCOUNT'),
  )
  if (applying.length === 0) return []
  const environment = environmentOf(content)
  const stacks = applying.flatMap((step) => [
    ...[...text(step.run).matchAll(/--stack[ =](\S+)/g)].map(([, stack]) => stack),
    ...(mapping(step.env).MILLRACE_STACK === undefined ? [] : [mapping(step.env).MILLRACE_STACK]),
  ])
  const concurrency = mapping(content.concurrency)
  return [
    ...(environment ? [] : ['changes a stack outside of an environment']),
    ...stacks
      .filter((stack) => stack !== environment)
      .map((stack) => `changes the stack ${stack} in the environment ${environment}`),
    ...(concurrency.group ? [] : ['changes a stack, maybe while another one does']),
    ...(concurrency['cancel-in-progress'] === false ? [] : ['changes a stack, and may be cut off while it does']),
  ]
}

function environmentOf(content: Mapping): string {
  return text(content.environment) || text(mapping(content.environment).name)
}

/** A job that a fork's pull request starts, whatever else its condition depends on, has no power. */
function forkFaults({ content, permissions }: Job): string[] {
  if (FORKS.every((event) => neverRuns(content.if, event))) return []
  const writes = Object.entries(permissions ?? { all: 'write' }).filter(([, may]) => may === 'write')
  return [
    ...writes.map(([scope]) => `runs for a fork's pull request with ${scope}: write`),
    ...(environmentOf(content) ? [`runs for a fork's pull request in the environment ${environmentOf(content)}`] : []),
  ]
}

/** Of the repository itself, and nothing of what a run before it left. */
const OWN_SCRIPT = /^node \.github\/scripts\/[\w-]+\.mjs$/
const MAY_COMMENT: Readonly<Record<string, string>> = { actions: 'read', contents: 'read', 'pull-requests': 'write' }

/**
 * A workflow that starts after another one has the repository's rights, and gets files from a run of maybe a stranger's
 * code: it reads them, out of the way of all that is run, and runs only what is reviewed.
 */
function strangersFilesFaults({ content, permissions = {}, steps }: Job): string[] {
  const tooMuch = Object.entries(permissions).filter(([scope, may]) => MAY_COMMENT[scope] !== may && may !== 'read')
  return [
    ...tooMuch.map(([scope, may]) => `may ${scope}: ${may} after a run of anybody's`),
    ...(environmentOf(content) ? [`has the environment ${environmentOf(content)} after a run of anybody's`] : []),
    ...steps.flatMap(({ run, uses, with: using, shell, 'working-directory': folder }) => {
      if (typeof run === 'string') {
        if (OWN_SCRIPT.test(run.trim()) && shell === undefined && folder === undefined) return []
        return ["runs something else than a script of .github/scripts after a run of anybody's"]
      }
      if (text(uses).startsWith('actions/checkout@')) {
        const isOther = ['ref', 'repository', 'path'].some((key) => key in mapping(using))
        return isOther ? ['checks out something else than the default branch'] : []
      }
      if (text(uses).startsWith('actions/download-artifact@')) {
        const isAside = /^\$\{\{ runner\.temp \}\}\//.test(text(mapping(using).path))
        return isAside ? [] : ["puts anybody's files among those of the repository"]
      }
      return [`uses ${text(uses)} after a run of anybody's`]
    }),
  ]
}
