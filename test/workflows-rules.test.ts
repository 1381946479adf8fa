import { describe, expect, it } from 'vitest'
import { type Known, neverRuns } from './workflows-conditions.ts'
import { workflowFaults } from './workflows-rules.ts'

const expression = (inside: string): string => `\${{ ${inside} }}`

describe('a workflow is refused', () => {
  const PIN = 'actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2'
  /** A workflow in order, with one job. */
  const workflow = (on: string, job: string, rest = ''): string =>
    [
      `on: ${on}`,
      'permissions: {}',
      'jobs:',
      '  job:',
      '    runs-on: ubuntu-24.04',
      '    timeout-minutes: 5',
      ...job.split('\n').map((line) => `    ${line}`),
      rest,
    ].join('\n')
  const faults = (text: string): string[] => workflowFaults([{ path: '.github/workflows/w.yml', text }])
  const ok = workflow(
    'pull_request',
    `permissions: { contents: read }\nsteps:\n  - uses: ${PIN}\n    with: { persist-credentials: false }\n  - run: npm test`,
  )

  it('but not one that is in order', () => {
    expect(faults(ok)).toEqual([])
  })

  it('when it runs with rights for the code of anybody', () => {
    const text = ok
      .replace('on: pull_request', 'on: pull_request_target')
      .replace(
        'persist-credentials: false',
        `persist-credentials: false, ref: "${expression('github.event.pull_request.head.sha')}"`,
      )
    expect(faults(text)).toEqual([
      ".github/workflows/w.yml: pull_request_target runs with this repository's rights for anybody's pull request",
    ])
  })

  it.each(['issue_comment', 'issues', 'discussion', 'fork', 'repository_dispatch'])(
    'when anybody can cause it by %s',
    (event) => {
      expect(faults(ok.replace('on: pull_request', `on: [push, ${event}]`))).toEqual([
        `.github/workflows/w.yml: nobody has said who can cause ${event}`,
      ])
    },
  )

  it.each([
    ['permissions: {}\n', '', 'has no "permissions: {}"'],
    ['permissions: {}\n', 'permissions: write-all\n', 'has no "permissions: {}"'],
    ['permissions: { contents: read }', 'env: {}', 'w.yml: job: does not say what its token may do'],
    ['permissions: { contents: read }', 'permissions: read-all', 'w.yml: job: asks for permissions by the dozen'],
    ['timeout-minutes: 5', 'name: x', 'w.yml: job: has no timeout-minutes'],
    ['ubuntu-24.04', 'self-hosted', 'w.yml: job: does not run on a machine of GitHub'],
    ['ubuntu-24.04', 'ubuntu-latest', 'w.yml: job: does not run on a machine of GitHub'],
    ['{ persist-credentials: false }', '{ fetch-depth: 0 }', 'w.yml: job: leaves its token in the checkout'],
    [
      'npm test',
      `npm test "${expression('github.event.pull_request.title')}"`,
      'w.yml: job: puts an expression into a script',
    ],
    ['npm test', `npm test "${expression('github.head_ref')}"`, 'w.yml: job: puts an expression into a script'],
    ['run: npm test', `run: "echo PATH=x >> $GITHUB_ENV"`, 'w.yml: job: changes the environment of steps after it'],
    [
      'run: npm test',
      `run: npm test\n        env: { KEY: "${expression('secrets.KEY')}" }`,
      'w.yml: job: uses a secret',
    ],
    [PIN, 'actions/checkout@v6', '.github/workflows/w.yml: actions/checkout@v6 is not pinned by a commit'],
    [PIN, 'actions/checkout@main', 'actions/checkout@main is not pinned by a commit'],
    [PIN, PIN.replace(/ #.*/, ''), 'does not say which version it is'],
    ['- run: npm test', '- { uses: stranger/action@v1 }', 'stranger/action@v1 is not pinned by a commit'],
  ])('when %o is %o', (from, to, fault) => {
    expect(ok).toContain(from)
    expect(faults(ok.replace(from, to)).join('\n')).toContain(fault)
  })

  it('when it calls another one', () => {
    const text = workflow(
      'pull_request',
      'permissions: { contents: read }\nuses: ./.github/workflows/other.yml\nsecrets: inherit',
    )
    expect(faults(text)).toContain('w.yml: job: calls another workflow, which cannot be judged here')
    expect(faults(text)).toContain('w.yml: job: uses a secret: identities come by federation')
  })

  const power = (condition: string): string =>
    workflow(
      'pull_request',
      `${condition}permissions: { id-token: write }\nenvironment: dev-preview\nsteps:\n  - uses: ./.github/actions/cloud`,
    )
  it.each([
    '',
    `if: github.actor != 'stranger'\n`,
    `if: contains(github.event.pull_request.labels.*.name, 'safe')\n`,
    `if: github.event.pull_request.author_association == 'CONTRIBUTOR'\n`,
    `if: github.event.pull_request.head.repo.full_name == github.repository || github.actor == 'ada'\n`,
    `if: github.event.pull_request.head.repo.full_name != github.repository\n`,
    // Of a fork that was deleted this is not true, but null.
    `if: github.event.pull_request.head.repo.fork != true\n`,
    `if: always() || github.event.pull_request.head.repo.full_name == github.repository\n`,
    `if: "! ${expression('github.event.pull_request.head.repo.full_name == github.repository')}"\n`,
    `if: ${expression('github.event.pull_request.head.repo.full_name == github.repository')} && true\n`,
  ])("when a fork's pull request becomes an identity: %s", (condition) => {
    expect(faults(power(condition))).toEqual([
      "w.yml: job: runs for a fork's pull request with id-token: write",
      "w.yml: job: runs for a fork's pull request in the environment dev-preview",
    ])
  })

  it.each([
    'if: github.event.pull_request.head.repo.full_name == github.repository\n',
    `if: ${expression('github.repository == github.event.pull_request.head.repo.full_name')}\n`,
    `if: github.event.pull_request.head.repo.full_name == github.repository && github.actor == 'ada'\n`,
    `if: always() && github.event['pull_request'].head.repo.full_name == github.repository\n`,
    `if: github.event_name == 'push'\n`,
    'if: false\n',
  ])('but not when a fork cannot: %s', (condition) => {
    expect(faults(power(condition))).toEqual([])
  })

  it("when a fork's pull request may write", () => {
    const text = ok.replace('{ contents: read }', '{ contents: read, pull-requests: write }')
    expect(faults(text)).toEqual(["w.yml: job: runs for a fork's pull request with pull-requests: write"])
  })

  const federated = (job: string): string =>
    workflow(
      'push',
      `permissions: { id-token: write }\n${job}\nsteps:\n  - uses: ./.github/actions/cloud\n  - run: npm run pulumi -- up --stack dev`,
    )
  it('but not when it applies a stack as it should', () => {
    expect(faults(federated('environment: dev\nconcurrency: { group: dev, cancel-in-progress: false }'))).toEqual([])
  })
  it.each([
    ['concurrency: { group: dev, cancel-in-progress: false }', 'changes a stack outside of an environment'],
    ['concurrency: { group: dev, cancel-in-progress: false }', 'becomes an identity outside of an environment'],
    [
      'environment: prod\nconcurrency: { group: dev, cancel-in-progress: false }',
      'changes the stack dev in the environment prod',
    ],
    ['environment: dev', 'changes a stack, maybe while another one does'],
    ['environment: dev\nconcurrency: { group: dev }', 'changes a stack, and may be cut off while it does'],
    [
      'environment: dev\nconcurrency: { group: dev, cancel-in-progress: true }',
      'changes a stack, and may be cut off while it does',
    ],
  ])('when it applies a stack with %o', (job, fault) => {
    expect(faults(federated(job))).toContain(`w.yml: job: ${fault}`)
  })

  it('when it may become an identity for nothing, or becomes one that it may not', () => {
    expect(faults(workflow('push', 'permissions: { id-token: write }\nenvironment: dev\nsteps: []'))).toEqual([
      'w.yml: job: may become an identity, and does not',
    ])
    expect(
      faults(workflow('push', 'permissions: {}\nenvironment: dev\nsteps:\n  - uses: ./.github/actions/cloud')),
    ).toEqual(['w.yml: job: becomes an identity without id-token: write'])
  })

  const afterRun = (steps: string, permissions = '{ actions: read, pull-requests: write }'): string =>
    workflow('{ workflow_run: { workflows: [Pull request] } }', `permissions: ${permissions}\nsteps:\n${steps}`)
  const download = (path: string): string =>
    `  - uses: actions/download-artifact@37930b1c2abaa49bbe596cd826c3c89aef350131 # v7.0.0\n    with: { path: "${path}" }`
  it("but not when it only shows what a stranger's run left", () => {
    const text = afterRun(
      `${download(`${expression('runner.temp')}/plans`)}\n  - run: node .github/scripts/plan-comment.mjs`,
    )
    expect(faults(text)).toEqual([])
  })
  it.each([
    [download('plans'), "puts anybody's files among those of the repository"],
    [download(`${expression('github.workspace')}/plans`), "puts anybody's files among those of the repository"],
    [
      '  - run: bash "$RUNNER_TEMP/plans/run.sh"',
      "runs something else than a script of .github/scripts after a run of anybody's",
    ],
    ['  - run: npm ci', "runs something else than a script of .github/scripts after a run of anybody's"],
    [
      '  - run: node .github/scripts/../../plans/x.mjs',
      "runs something else than a script of .github/scripts after a run of anybody's",
    ],
    [
      `  - run: node .github/scripts/plan-comment.mjs\n    working-directory: "${expression('runner.temp')}/plans"`,
      "runs something else than a script of .github/scripts after a run of anybody's",
    ],
    [
      '  - run: node .github/scripts/plan-comment.mjs\n    shell: plans/shell {0}',
      "runs something else than a script of .github/scripts after a run of anybody's",
    ],
    [
      `  - uses: ${PIN}\n    with: { persist-credentials: false, ref: "${expression('github.event.workflow_run.head_sha')}" }`,
      'checks out something else than the default branch',
    ],
    [
      `  - uses: ${PIN}\n    with: { persist-credentials: false, repository: "${expression('github.event.workflow_run.head_repository.full_name')}" }`,
      'checks out something else than the default branch',
    ],
    ['  - uses: ./.github/actions/cloud', "uses ./.github/actions/cloud after a run of anybody's"],
  ])("when it runs what a stranger's run left: %s", (steps, fault) => {
    expect(faults(afterRun(steps))).toContain(`w.yml: job: ${fault}`)
  })
  it("when it may do more than comment after a stranger's run", () => {
    expect(faults(afterRun('  []', '{ contents: write, id-token: write }'))).toEqual(
      expect.arrayContaining([
        "w.yml: job: may contents: write after a run of anybody's",
        "w.yml: job: may id-token: write after a run of anybody's",
      ]),
    )
  })
})

describe('a condition', () => {
  const event: Known = { github: { event_name: 'pull_request', ref: 'refs/pull/7/merge', repository: 'Owner/x' } }
  it.each([
    [`github.event_name == 'push'`, true],
    [`github.event_name == 'Pull_Request'`, false],
    [`github.event_name != 'pull_request'`, true],
    [`!(github.event_name == 'pull_request')`, true],
    [`github.event_name == 'push' && unknown.of`, 'throws'],
    [`github.event_name == 'push' && github.actor`, true],
    [`github.event_name == 'push' || github.actor`, false],
    [`github.actor && github.event_name == 'push'`, true],
    [`github.actor == 'ada'`, false],
    [`github.repository == 'owner/X'`, false],
    [`null`, true],
    [`''`, true],
    [`0`, true],
    [`'false'`, false],
    [`failure()`, false],
    [`${expression('false')}`, true],
    [`${expression('false')} `, true],
    [`${expression('false')} or what`, false],
    [`false`, true],
  ])('%s: never runs: %s', (condition, expected) => {
    if (expected === 'throws') expect(() => neverRuns(condition, event)).toThrow('unknown')
    else expect(neverRuns(condition, event)).toBe(expected)
  })
})
