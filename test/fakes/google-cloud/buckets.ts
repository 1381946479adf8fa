import type { Answer, Ask } from '../serve.ts'
import { bodyOf, json, merge, refuse, refuseStorage } from './answers.ts'
import type { Project } from './project.ts'

/** Cloud Storage's buckets and their policies: https://cloud.google.com/storage/docs/json_api/v1/buckets */
export function answerBuckets(project: Project, ask: Ask): Answer {
  const [, , , , name, sub] = ask.parts
  if (name === undefined) return insert(project, ask)
  const bucket = project.buckets.get(name)
  if (!bucket) return refuseStorage(404, 'notFound', 'The specified bucket does not exist.')
  const verb = verbOf(ask.method, sub)
  // Buckets of others are there for everybody; what they are is not.
  const isTheirs = bucket.projectNumber !== project.number && !project.shared.has(name)
  if (isTheirs || project.lacks(`storage.buckets.${verb}`)) {
    return forbidden(`${verb} access to the Google Cloud Storage bucket`)
  }
  if (verb === 'getIamPolicy') return json(project.policyOf(name))
  if (verb === 'setIamPolicy') return setPolicy(project, name, ask)
  if (verb === 'update') project.buckets.set(name, merge(bucket, bodyOf(ask)))
  return json(project.buckets.get(name))
}

function verbOf(method: string, sub: string | undefined): string {
  if (sub === 'iam') return method === 'PUT' ? 'setIamPolicy' : 'getIamPolicy'
  return method === 'PATCH' ? 'update' : 'get'
}

function insert(project: Project, ask: Ask): Answer {
  if (project.lacks('storage.buckets.create')) return forbidden('create access to the Google Cloud project')
  const body = bodyOf(ask)
  const name = String(body.name)
  if (project.buckets.has(name)) {
    return refuseStorage(409, 'conflict', 'The requested bucket name is not available. Please select a different name.')
  }
  const location = String(body.location).toUpperCase()
  project.buckets.set(name, { kind: 'storage#bucket', ...body, location, projectNumber: project.number })
  return json(project.buckets.get(name))
}

function setPolicy(project: Project, name: string, ask: Ask): Answer {
  const wrong = project.setPolicy(name, bodyOf(ask))
  if (wrong === undefined) return json(project.policies.get(name))
  if (wrong === 'conflict')
    return refuseStorage(412, 'conditionNotMet', 'At least one of the pre-conditions did not hold.')
  return refuse(400, 'INVALID_ARGUMENT', `Service account ${wrong.unknownAccount} does not exist.`)
}

function forbidden(what: string): Answer {
  return refuseStorage(403, 'forbidden', `ada@example.org does not have storage.buckets.${what}.`)
}
