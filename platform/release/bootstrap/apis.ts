/**
 * The APIs of Google Cloud that a stack can use, by what stands before `.googleapis.com`. The program switches on those
 * that its stack uses; bootstrap switches on all of them, for one that was just switched on takes minutes to answer.
 */
export const STACK_APIS = [
  'aiplatform',
  'artifactregistry',
  'billingbudgets',
  'cloudresourcemanager',
  'compute',
  'container',
  'containerscanning',
  'iam',
  'iamcredentials',
  'iap',
  'logging',
  'monitoring',
  'run',
  'secretmanager',
  'servicenetworking',
  'sqladmin',
  'storage',
  'sts',
] as const

/** An API that a stack can use. */
export type StackApi = (typeof STACK_APIS)[number]

/** All that bootstrap switches on: Pulumi's own key is in Cloud KMS, which is no part of the program. */
export const BOOTSTRAP_APIS = ['cloudkms', ...STACK_APIS] as const

/** What an API is called in full. */
export const fullName = (api: string): string => `${api}.googleapis.com`
