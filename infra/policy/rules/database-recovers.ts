import type { PlanPolicy } from '../policy.ts'
import { at, is, isHidden } from '../values.ts'

const BACKUPS = 'settings.backupConfiguration'

export const databaseRecovers: PlanPolicy = {
  name: 'database-recovers',
  description: 'The database of a protected stack has daily backups, and can be taken back to any moment between them.',
  reason: 'It is the only part with a state: runs, queues and journals are nowhere else.',
  *plan({ resources, outputs }) {
    if (outputs.isProtected === false) return
    for (const resource of resources) {
      if (resource.type !== 'gcp:sql/databaseInstance:DatabaseInstance') continue
      // A copy is made again from the one it copies.
      if (at(resource.inputs, 'masterInstanceName') !== undefined) continue
      for (const property of [`${BACKUPS}.enabled`, `${BACKUPS}.pointInTimeRecoveryEnabled`]) {
        const value = at(resource.inputs, property)
        if (value !== true && !isHidden(value)) yield { resource, property, wrong: is(value), fix: 'set it to true' }
      }
    }
  },
}
