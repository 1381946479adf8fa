import type { Answer, Ask } from '../serve.ts'
import { bodyOf, type Json, json, refuse, refusePermission } from './answers.ts'
import type { Project } from './project.ts'

/** Service accounts: https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts */
export function answerAccounts(project: Project, ask: Ask): Answer {
  const [, email] = /\/serviceAccounts\/(.+)$/.exec(ask.parts.join('/')) ?? []
  if (email !== undefined) {
    const found = project.accounts.get(email)
    return found ? json(found) : refuse(404, 'NOT_FOUND', 'Unknown service account')
  }
  const permission = 'iam.serviceAccounts.create'
  if (project.lacks(permission)) return refusePermission(permission, `projects/${project.id}`)
  const { accountId, serviceAccount } = bodyOf(ask)
  const made = `${accountId}@${project.id}.iam.gserviceaccount.com`
  if (project.accounts.has(made)) {
    return refuse(409, 'ALREADY_EXISTS', `Service account ${accountId} already exists within project ${project.id}.`)
  }
  project.accounts.set(made, { email: made, ...(serviceAccount as Json) })
  project.unknown.set(made, project.options.accountKnownAfter ?? 0)
  return json(project.accounts.get(made))
}
