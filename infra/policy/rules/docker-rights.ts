import { isDockerContainer } from '../docker.ts'
import type { Fault, ResourcePolicy } from '../policy.ts'
import { at, type Found, is, isHidden, isList, itemsAt } from '../values.ts'

/** Of the machine, or of another container. */
const SHARED = /^(?:host$|container:)/
const NO_NEW = /^no-new-privileges(?:[:=]true)?$/

export const dockerRights: ResourcePolicy = {
  name: 'docker-rights',
  description:
    'A container has no rights on its machine: no capability, no device, no way to more, a disk it cannot change.',
  reason: 'Whoever gets a program of a flow to do something else must find nothing there to do it with.',
  *resource(resource) {
    if (!isDockerContainer(resource)) return
    const { inputs } = resource
    if (inputs.privileged === true) {
      yield { property: 'privileged', wrong: 'is true, which is all rights of root', fix: 'remove it' }
    }
    if (lacks(at(inputs, 'capabilities.drops'), /^(?:CAP_)?ALL$/i)) {
      yield { property: 'capabilities.drops', wrong: is(at(inputs, 'capabilities.drops')), fix: 'set it to ["ALL"]' }
    }
    for (const { path, value } of itemsAt(inputs, 'capabilities.adds')) {
      yield { property: path, wrong: is(value), fix: 'do without it, for instance by another user' }
    }
    if (lacks(inputs.securityOpts, NO_NEW)) {
      yield { property: 'securityOpts', wrong: is(inputs.securityOpts), fix: 'set it to ["no-new-privileges"]' }
    }
    yield* shared(inputs)
    // One that ends may be brought files, which an engine does not do to a disk that is read-only.
    const ends = inputs.restart === 'no'
    if (!ends && inputs.readOnly !== true && !isHidden(inputs.readOnly)) {
      yield { property: 'readOnly', wrong: is(inputs.readOnly), fix: 'set it to true, and tmpfs for what it writes' }
    }
  },
}

function* shared(inputs: { readonly [key: string]: Found }): Generator<Fault> {
  for (const property of ['networkMode', 'pidMode', 'ipcMode', 'usernsMode']) {
    const mode = inputs[property]
    if (typeof mode === 'string' && SHARED.test(mode)) {
      yield { property, wrong: `${is(mode)}, which is not its own`, fix: 'give it its own' }
    }
  }
  for (const property of ['devices', 'deviceCgroupRules']) {
    const list = inputs[property]
    if (isList(list) && list.length > 0) yield { property, wrong: 'is not empty', fix: 'remove it' }
  }
}

function lacks(list: Found, pattern: RegExp): boolean {
  if (isHidden(list)) return false
  return !isList(list) || !list.some((each) => isHidden(each) || (typeof each === 'string' && pattern.test(each)))
}
