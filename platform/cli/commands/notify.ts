import { deliver, destination, shownDestination, testDelivery } from '@millrace/agents/notify'
import {
  type FinalState,
  isFinalRun,
  type NoticeRule,
  putRule,
  RUN_STATES,
  removeRule,
  rules,
  undelivered,
} from '@millrace/engine'
import { nearest, UserError } from '@millrace/sdk'
import { inTime, print, printJson } from '../output/print.ts'
import { ago, table } from '../output/table.ts'
import { withStore } from '../with-store.ts'

interface NotifyOptions {
  readonly database?: string
  readonly json?: boolean
}

/** `millrace notify` */
export async function listRules(options: NotifyOptions): Promise<void> {
  const all = await withStore(options, ({ database }) => rules(database))
  if (options.json) return printJson(all)
  if (all.length === 0) return print('Nobody is told of anything. Add somebody with: millrace notify add')
  const rows = all.map((rule) => [
    rule.name,
    shownDestination(rule.to),
    rule.states?.join(',') ?? 'all',
    rule.flows?.join(',') ?? 'all',
    rule.queues?.join(',') ?? 'all',
    rule.labels?.join(',') ?? '',
    rule.secret ?? '',
  ])
  print(table([['RULE', 'TO', 'STATES', 'FLOWS', 'QUEUES', 'LABELS', 'SECRET'], ...rows]))
}

interface AddOptions extends NotifyOptions {
  readonly to: string
  readonly states?: readonly string[]
  readonly flows?: readonly string[]
  readonly queues?: readonly string[]
  readonly labels?: readonly string[]
  readonly secret?: string
}

/** `millrace notify add NAME` */
export async function addRule(name: string, options: AddOptions): Promise<void> {
  const rule = readRule(name, options)
  await withStore(options, ({ database }) => putRule(database, rule))
  if (options.json) printJson(rule)
  else print(`${name}: ${shownDestination(rule.to)} is told. Try it with: millrace notify test ${name}`)
}

/** @throws UserError naming the option that is wrong */
function readRule(name: string, { to, states, flows, queues, labels, secret }: AddOptions): NoticeRule {
  if (!/^[a-z0-9][a-z0-9_.-]{0,62}$/.test(name)) {
    throw new UserError(`rule "${name}": a name is made of lower-case letters, digits, "-", "_" and "."`)
  }
  const { kind } = destination(to)
  if (secret !== undefined && kind !== 'webhook') {
    throw new UserError(`--secret: ${kind === 'mail' ? 'mail' : 'what goes to Slack'} is not signed`)
  }
  if (secret !== undefined && !/^[a-z0-9][a-z0-9-]*$/.test(secret)) {
    throw new UserError(
      '--secret: expected the name of a secret, lower-case letters, digits and "-"',
      'Its value stays out of the database: the agent has it in the environment.',
    )
  }
  return {
    name,
    to,
    ...(states && { states: states.map(readState) }),
    ...(flows && { flows }),
    ...(queues && { queues }),
    ...(labels && { labels }),
    ...(secret !== undefined && { secret }),
  }
}

function readState(text: string): FinalState {
  const state = RUN_STATES.find((each) => each.toLowerCase() === text.toLowerCase())
  if (state && isFinalRun(state)) return state as FinalState
  const finals = RUN_STATES.filter(isFinalRun)
  throw new UserError(
    `--states: no run ends ${state ? `in the state ${state}` : `as "${text}"`}`,
    `States: ${finals.join(', ')}.`,
  )
}

/** `millrace notify remove NAME` */
export async function remove(name: string, options: NotifyOptions): Promise<void> {
  await withStore(options, async ({ database }) => {
    if (!(await removeRule(database, name))) throw unknownRule(name, await rules(database))
  })
  print(`${name} removed`)
}

/** `millrace notify undelivered` */
export async function listUndelivered(options: NotifyOptions): Promise<void> {
  const all = await withStore(options, ({ database }) => undelivered(database))
  if (options.json) return printJson(all)
  if (all.length === 0) return print('All that was to be told has arrived.')
  const rows = all.map((notice) => [
    notice.run,
    notice.state,
    notice.rule ?? '',
    shownDestination(notice.to),
    notice.attempt,
    ago(notice.created),
    notice.due === undefined ? 'given up' : inTime(notice.due),
    notice.error ?? '',
  ])
  print(table([['RUN', 'STATE', 'RULE', 'TO', 'TRIED', 'SINCE', 'NEXT', 'WHY'], ...rows]))
}

/** `millrace notify test NAME` */
export async function sendTest(name: string, options: NotifyOptions): Promise<void> {
  const rule = await withStore(options, async ({ database }) => {
    const all = await rules(database)
    const found = all.find((each) => each.name === name)
    if (!found) throw unknownRule(name, all)
    return found
  })
  try {
    await deliver(testDelivery(rule, new Date()), {
      signal: new AbortController().signal,
      smtp: process.env.MILLRACE_SMTP,
    })
  } catch (error) {
    throw new UserError(
      `${shownDestination(rule.to)} was not reached: ${error instanceof Error ? error.message : error}`,
    )
  }
  print(`${shownDestination(rule.to)} took it`)
}

function unknownRule(name: string, all: readonly NoticeRule[]): UserError {
  const names = all.map((each) => each.name)
  const near = nearest(name, names)
  return new UserError(
    `there is no rule "${name}"${near ? `; did you mean "${near}"?` : ''}`,
    names.length > 0 ? `Rules: ${names.join(', ')}.` : 'There are none; add one with: millrace notify add',
  )
}
