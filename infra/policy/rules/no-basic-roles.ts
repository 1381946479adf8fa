import { leaves } from '../../plan/walk.ts'
import type { ResourcePolicy } from '../policy.ts'
import { textAt } from '../values.ts'

const BASIC = /(?<![\w/])roles\/(?:owner|editor|viewer)\b(?![./\w-])/
const PROSE = ['description', 'displayName', 'title', 'content']
/** What the old access lists of BigQuery call the three. */
const DATASET_BASIC = ['OWNER', 'WRITER', 'READER']

export const noBasicRoles: ResourcePolicy = {
  name: 'no-basic-roles',
  description: 'Nobody gets a basic role: not owner, editor or viewer, nor cluster-admin.',
  reason: 'A basic role holds thousands of permissions in every service, also in those that come tomorrow.',
  *resource({ type, inputs }) {
    for (const { path, key, value } of leaves(inputs)) {
      if (typeof value !== 'string' || PROSE.includes(key) || !BASIC.test(value)) continue
      yield {
        property: path,
        wrong: `gives a basic role: ${BASIC.exec(value)?.[0]}`,
        fix: 'give a predefined role of the one service, or a custom role',
      }
    }
    if (type === 'gcp:bigquery/datasetAccess:DatasetAccess' && DATASET_BASIC.includes(textAt(inputs, 'role') ?? '')) {
      yield { property: 'role', wrong: `is ${textAt(inputs, 'role')}, a basic role`, fix: 'give a role of BigQuery' }
    }
    if (type.startsWith('kubernetes:rbac.') && textAt(inputs, 'roleRef.name') === 'cluster-admin') {
      yield { property: 'roleRef.name', wrong: 'is "cluster-admin"', fix: 'bind a Role with just what it does' }
    }
  },
}
