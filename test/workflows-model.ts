import { parse } from 'yaml'

/** A file of `.github/`, by its path from the root. */
export interface GithubFile {
  readonly path: string
  readonly text: string
}

export type Mapping = Readonly<Record<string, unknown>>

/** A workflow: https://docs.github.com/actions/reference/workflow-syntax */
export interface Workflow extends GithubFile {
  readonly content: Mapping
  /** What starts it, by event. */
  readonly events: Readonly<Record<string, unknown>>
  readonly jobs: readonly Job[]
}

export interface Job {
  /** `deploy-dev.yml: up` */
  readonly name: string
  readonly content: Mapping
  readonly steps: readonly Mapping[]
  /** What its token may do, by scope; undefined where neither the job nor the workflow says so. */
  readonly permissions: Readonly<Record<string, string>> | undefined
}

/** Reads a workflow. */
export function readWorkflow({ path, text }: GithubFile): Workflow {
  const content = mapping(parse(text))
  const file = path.split('/').at(-1)
  return {
    path,
    text,
    content,
    events: eventsOf(content.on),
    jobs: Object.entries(mapping(content.jobs)).map(([id, value]): Job => {
      const job = mapping(value)
      const permissions = job.permissions ?? content.permissions
      return {
        name: `${file}: ${id}`,
        content: job,
        steps: mappings(job.steps),
        permissions: permissions === undefined ? undefined : permissionsOf(permissions),
      }
    }),
  }
}

/** Steps of a composite action. */
export function readActionSteps({ text }: GithubFile): readonly Mapping[] {
  return mappings(mapping(mapping(parse(text)).runs).steps)
}

/** The events, of the three ways to write them. */
function eventsOf(on: unknown): Readonly<Record<string, unknown>> {
  if (typeof on === 'string') return { [on]: null }
  if (Array.isArray(on)) return Object.fromEntries(on.map((event) => [String(event), null]))
  return mapping(on)
}

function permissionsOf(value: unknown): Readonly<Record<string, string>> {
  if (value === 'read-all') return { all: 'read' }
  if (value === 'write-all') return { all: 'write' }
  return Object.fromEntries(Object.entries(mapping(value)).map(([scope, may]) => [scope, String(may)]))
}

/** A mapping of YAML; an empty one for anything else. */
export function mapping(value: unknown): Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {}
}

function mappings(value: unknown): readonly Mapping[] {
  return Array.isArray(value) ? value.map(mapping) : []
}

/** Text of a mapping's value; empty where there is none. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
