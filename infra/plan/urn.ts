/** Type of the resource that stands for the stack itself. */
export const STACK_TYPE = 'pulumi:pulumi:Stack'

/** What a URN is made of: `urn:pulumi:STACK::PROJECT::PARENT-TYPE$TYPE::NAME`. */
export interface Urn {
  readonly stack: string
  readonly project: string
  /** Types from the outermost component down to its own; the stack is left out. */
  readonly types: readonly string[]
  readonly name: string
}

/** Takes a URN apart. A name may contain "::", nothing else may. */
export function parseUrn(urn: string): Urn {
  const [head = '', project = '', types = '', ...name] = urn.split('::')
  return { stack: head.replace(/^urn:pulumi:/, ''), project, types: types.split('$'), name: name.join('::') }
}

/** The URN of a new resource, as the engine makes it: a parent's types come first, unless it is the stack. */
export function makeUrn(
  stack: string,
  project: string,
  parent: string | undefined,
  type: string,
  name: string,
): string {
  const above = parent === undefined ? [] : parseUrn(parent).types
  const types = above[0] === STACK_TYPE ? [type] : [...above, type]
  return `urn:pulumi:${stack}::${project}::${types.join('$')}::${name}`
}

/** The name that the program gave. */
export const nameOf = (urn: string): string => parseUrn(urn).name

/** Its own type, the last one. */
export const typeOf = (urn: string): string => parseUrn(urn).types.at(-1) ?? ''

/** The URN in a reference to a provider, which is `URN::ID`. */
export const providerUrn = (reference: string): string => reference.split('::').slice(0, 4).join('::')
