import type { StackApi } from '@millrace/release/bootstrap'
import type { StackConfig } from './config.ts'

/** Of the APIs that a stack can use, those that this one does. The bootstrap of a project switches all of them on. */
export function apisOf(config: StackConfig): StackApi[] {
  const launchers = Object.values(config.agents).map(({ launcher }) => launcher)
  const apis: StackApi[] = [
    'artifactregistry',
    'cloudresourcemanager',
    'compute',
    'iam',
    'iamcredentials',
    'logging',
    'monitoring',
    'run',
    'secretmanager',
    'servicenetworking',
    'sqladmin',
    'storage',
  ]
  if (config.registry.scanning) apis.push('containerscanning')
  if (config.github) apis.push('sts')
  if (config.cluster) apis.push('container')
  if (config.console) apis.push('iap')
  if (config.budget) apis.push('billingbudgets')
  if (launchers.includes('vertex')) apis.push('aiplatform')
  return apis.toSorted()
}
