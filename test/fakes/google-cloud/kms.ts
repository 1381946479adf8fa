import type { Answer, Ask } from '../serve.ts'
import { bodyOf, json, merge, refuse, refusePermission } from './answers.ts'
import type { Policy, Project } from './project.ts'

/** Key rings, keys and their policies: https://cloud.google.com/kms/docs/reference/rest */
export function answerKms(project: Project, ask: Ask): Answer {
  const path = ask.parts.slice(2).join('/')
  const [, name = '', verb] = /^([^:]+)(?::(\w+))?$/.exec(path) ?? []
  if (name.endsWith('/keyRings') && ask.method === 'POST') return makeKeyRing(project, name, ask)
  if (name.endsWith('/cryptoKeys') && ask.method === 'POST') return makeKey(project, name, ask)
  if (project.keyRings.has(name)) {
    return project.lacks('cloudkms.keyRings.get') ? refusePermission('cloudkms.keyRings.get', name) : json({ name })
  }
  const key = project.keys.get(name)
  if (!key)
    return refuse(404, 'NOT_FOUND', `${name.includes('/cryptoKeys/') ? 'CryptoKey' : 'KeyRing'} ${name} not found.`)
  if (verb === 'getIamPolicy') return json(project.policyOf(name))
  if (verb === 'setIamPolicy') return setPolicy(project, name, ask)
  if (ask.method === 'PATCH') project.keys.set(name, merge(key, bodyOf(ask)))
  return json(project.keys.get(name))
}

function makeKeyRing(project: Project, parent: string, ask: Ask): Answer {
  const location = parent.replace(/\/keyRings$/, '')
  if (project.lacks('cloudkms.keyRings.create')) return refusePermission('cloudkms.keyRings.create', location)
  const name = `${parent}/${ask.url.searchParams.get('keyRingId')}`
  if (project.keyRings.has(name)) return refuse(409, 'ALREADY_EXISTS', `KeyRing ${name} already exists.`)
  project.keyRings.add(name)
  return json({ name })
}

function makeKey(project: Project, parent: string, ask: Ask): Answer {
  const ring = parent.replace(/\/cryptoKeys$/, '')
  if (project.lacks('cloudkms.cryptoKeys.create')) return refusePermission('cloudkms.cryptoKeys.create', ring)
  const name = `${parent}/${ask.url.searchParams.get('cryptoKeyId')}`
  if (project.keys.has(name)) return refuse(409, 'ALREADY_EXISTS', `CryptoKey ${name} already exists.`)
  const primary = { name: `${name}/cryptoKeyVersions/1`, state: 'ENABLED' }
  project.keys.set(name, { name, ...bodyOf(ask), primary })
  return json(project.keys.get(name))
}

function setPolicy(project: Project, name: string, ask: Ask): Answer {
  if (project.lacks('cloudkms.cryptoKeys.setIamPolicy'))
    return refusePermission('cloudkms.cryptoKeys.setIamPolicy', name)
  const wrong = project.setPolicy(name, bodyOf(ask).policy as Policy)
  if (wrong === undefined) return json(project.policies.get(name))
  if (wrong === 'conflict') return refuse(409, 'ABORTED', 'There were concurrent policy changes.')
  return refuse(400, 'INVALID_ARGUMENT', `Service account ${wrong.unknownAccount} does not exist.`)
}
