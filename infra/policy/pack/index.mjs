// Starts to answer Pulumi's engine: `pulumi preview --policy-pack infra/policy/pack`.
// Not TypeScript: Pulumi's runner of policy packs compiles that with a ts-node of 2018, whatever PulumiPolicy.yaml says.
// What is imported from here on is run by Node as it is.
import { PolicyPack } from '@pulumi/policy'
import { asPulumiPolicies } from '../as-pulumi.ts'
import { policies } from '../index.ts'

new PolicyPack('millrace', {
  description: 'The rules that every stack of Millrace keeps',
  enforcementLevel: 'mandatory',
  policies: asPulumiPolicies(policies),
})
