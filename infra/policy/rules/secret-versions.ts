import type { ResourcePolicy } from '../policy.ts'
import { at } from '../values.ts'

export const secretVersions: ResourcePolicy = {
  name: 'secret-versions',
  description: 'A version of a secret has one value, says what becomes of it, and a write-only value has a number.',
  reason:
    'A changed value that is write-only and has no number is ignored without a word; a replaced version with no policy is destroyed while somebody still reads it.',
  *resource({ type, inputs }) {
    if (!/^gcp:secretmanager\/(?:secret|regionalSecret)Version:/.test(type)) return
    const [value, writeOnly] = [at(inputs, 'secretData'), at(inputs, 'secretDataWo')]
    if ((value === undefined) === (writeOnly === undefined)) {
      yield {
        property: 'secretData',
        wrong: value === undefined ? 'is missing' : 'is given beside secretDataWo',
        fix: 'give one of secretData and secretDataWo',
      }
    }
    if (writeOnly !== undefined && at(inputs, 'secretDataWoVersion') === undefined) {
      yield {
        property: 'secretDataWoVersion',
        wrong: 'is missing, so that a changed value is never sent',
        fix: 'give a number, and raise it with the value',
      }
    }
    if (at(inputs, 'deletionPolicy') === undefined) {
      yield {
        property: 'deletionPolicy',
        wrong: 'is missing, which destroys the value with the version',
        fix: 'say "DELETE" where that is meant, else "DISABLE"',
      }
    }
  },
}
