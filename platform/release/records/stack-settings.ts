import { findStackFile, isRecord, readStackFile, stackNames } from '../stack-file.ts'
import type { Deployment, StackWord } from './deployment.ts'

/** Stacks that take what is on a branch, or not committed; what goes to all others has been released. */
const OPEN_STACKS = ['dev', 'local']

/** What a deploy goes by of a stack's config. */
export interface StackSettings {
  readonly stack: string
  /** Whether branches may be deployed to it. */
  readonly isOpen: boolean
  /** The branch whose state is released. */
  readonly main: string
  /** Tags of releases begin so. */
  readonly tagPrefix: string
  readonly schedules: boolean
  /** For each flow that the config names, the keys that it sets. */
  readonly flows: Readonly<Record<string, readonly string[]>>
}

/**
 * Reads what a deploy goes by of a stack's config; an open stack needs none.
 * @throws UserError when there is no such stack
 */
export function stackSettings(root: string, stack: string): StackSettings {
  const isOpen = OPEN_STACKS.includes(stack)
  if (isOpen && !stackNames(root).includes(stack)) return settingsOf(stack, {})
  findStackFile(root, stack)
  return settingsOf(stack, readStackFile(root, stack).config)
}

/** Values that are wrong are left to those who check the config as a whole. */
function settingsOf(stack: string, config: Readonly<Record<string, unknown>>): StackSettings {
  const github = isRecord(config.github) ? config.github : {}
  const flows = isRecord(config.flows) ? config.flows : {}
  return {
    stack,
    isOpen: OPEN_STACKS.includes(stack),
    main: typeof github.branch === 'string' ? github.branch : 'main',
    tagPrefix: typeof github.tagPrefix === 'string' ? github.tagPrefix : 'v',
    schedules: config.schedules === true,
    flows: Object.fromEntries(
      Object.entries(flows).map(([name, settings]) => [name, isRecord(settings) ? Object.keys(settings) : []]),
    ),
  }
}

/**
 * What a stack says of a flow, as it was when the flow was deployed last: of the keys that its config sets now. The
 * values are those of then, for only `up` brings new ones.
 */
export function stackWordOf(deployed: Deployment, keys: readonly string[]): StackWord {
  const { runOn, workers, labels, queue, schedule = 'off', cluster, params } = deployed
  const word: StackWord = { ...runOn, workers, labels, queue, schedule }
  return { ...Object.fromEntries(Object.entries(word).filter(([key]) => keys.includes(key))), cluster, params }
}
