import { leaves } from '../../plan/walk.ts'
import { containersOf, variablesOf } from '../containers.ts'
import { isDockerContainer } from '../docker.ts'
import type { ResourcePolicy } from '../policy.ts'
import { at, itemsAt, textAt } from '../values.ts'

const SECRET_NAME = /(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|TOKEN|SECRET|KEY|APIKEY|CREDENTIALS?|PRIVATE_KEY|DSN)$/i
/** A key in a text, a password in an address (unless it is a reference), tokens of GitHub, Google and Slack. */
const LITERALS: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['a private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
  ['a password in an address', /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]+:(?!secret:\/\/|\$[({]|%)[^\s/@]+@/],
  ['a token of GitHub', /\bgh[pousr]_[A-Za-z0-9]{36}/],
  ['an API key of Google', /\bAIza[\w-]{35}/],
  ['an access token of Google', /\bya29\.[\w-]{20}/],
  ['a token of Slack', /\bxox[abprs]-[\w-]{10}/],
]

export const noSecretLiterals: ResourcePolicy = {
  name: 'no-secret-literals',
  description: 'No password, key or token is written out: environments name the version of a secret.',
  reason:
    'A value in an environment is shown to everybody who may look at the service, and stays in its old revisions.',
  *resource(resource) {
    for (const container of containersOf(resource)) {
      for (const { path, value } of variablesOf(container)) {
        const name = textAt(value, 'name') ?? ''
        const literal = at(value, 'value')
        if (!SECRET_NAME.test(name) || literal === undefined || literal === null || literal === '') continue
        yield {
          property: `${path}.value`,
          wrong: `writes out ${name}`,
          fix: 'take it from a secret (valueSource at Cloud Run, valueFrom in Kubernetes), or name it for what it is',
        }
      }
    }
    for (const { path, value } of isDockerContainer(resource) ? itemsAt(resource.inputs, 'envs') : []) {
      const [, name = ''] = typeof value === 'string' ? (/^(\w+)=./.exec(value) ?? []) : []
      if (!SECRET_NAME.test(name)) continue
      yield { property: path, wrong: `writes out ${name}`, fix: 'mark it as secret, or name it for what it is' }
    }
    for (const { path, value } of leaves(resource.inputs)) {
      if (typeof value !== 'string') continue
      for (const [what, pattern] of LITERALS) {
        if (pattern.test(value)) yield { property: path, wrong: `holds ${what}`, fix: 'put it into Secret Manager' }
      }
    }
  },
}
