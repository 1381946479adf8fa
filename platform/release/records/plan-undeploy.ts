import { nearest, UserError } from '@millrace/sdk'
import type { BranchDeployment } from './move.ts'

/** What is to be taken away: one deployment by its name, or all of a branch. */
export type UndeployAsked = { readonly name: string } | { readonly branch: string }

/**
 * Pure: names of the deployments to be taken away. None where a branch has none: whoever cleans up after branches need
 * not know whether anything was deployed.
 * @throws UserError when there is no deployment of that name
 */
export function planUndeploy(
  asked: UndeployAsked,
  branches: Readonly<Record<string, BranchDeployment>>,
): readonly string[] {
  const names = Object.keys(branches).sort()
  // The whole name of the branch: feature-x may be that of another one than feature/x.
  if ('branch' in asked) return names.filter((name) => branches[name]?.branch === asked.branch)
  const { name } = asked
  if (names.includes(name)) return [name]
  if (!name.includes('@')) {
    throw new UserError(
      `"${name}" is no deployment of a branch: expected FLOW@BRANCH`,
      'What is in a release goes with the release after it: take the flow out, and deploy.',
    )
  }
  const near = nearest(name, names)
  throw new UserError(
    `nothing is deployed as "${name}"${near ? `; did you mean "${near}"?` : ''}`,
    names.length > 0 ? `Of branches there are: ${names.join(', ')}.` : 'There is nothing of any branch.',
  )
}
