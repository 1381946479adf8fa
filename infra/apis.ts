import type { Api } from './components/project-services.ts'
import type { StackConfig } from './config.ts'

/** The APIs that a stack uses. The bootstrap of a project switches the same ones on. */
export function apisOf(config: StackConfig): Api[] {
  const launchers = Object.values(config.agents).map(({ launcher }) => launcher)
  const apis: Api[] = [
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
