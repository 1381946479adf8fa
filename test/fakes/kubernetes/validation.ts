import { isDeepStrictEqual } from 'node:util'
import type { Job, JobFields, PodFields } from './objects.ts'
import { invalid } from './refusal.ts'

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const LABEL = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/
const QUANTITY = /^\d+(\.\d+)?(m|k|Ki|M|Mi|G|Gi|T|Ti)?$/
const ENV_NAME = /^[-._a-zA-Z][-._a-zA-Z0-9]*$/
/** Names of a Job's pods are derived from its name (pkg/apis/batch/validation). */
const LONGEST = 63

/** @throws Refusal 422, as the API answers where a new Job is not as it must be */
export function validateJob({ metadata: { name, labels }, spec }: Job): void {
  const { template } = spec
  const causes = [
    ...(NAME.test(name) && name.length <= LONGEST
      ? []
      : [
          `metadata.name: Invalid value: "${name}": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'`,
        ]),
    ...wrongLabels('metadata.labels', labels),
    ...wrongLabels('spec.template.labels', template.metadata?.labels),
    ...(
      ['completions', 'parallelism', 'backoffLimit', 'activeDeadlineSeconds', 'ttlSecondsAfterFinished'] as const
    ).flatMap((field) => {
      const value = spec[field] ?? 0
      return Number.isInteger(value) && value >= 0
        ? []
        : [`spec.${field}: Invalid value: ${value}: must be greater than or equal to 0`]
    }),
    ...wrongModes(spec, name),
    ...wrongPod(template.spec),
  ]
  if (causes.length > 0) throw invalid('Job.batch', name, causes)
}

function wrongLabels(at: string, labels: Readonly<Record<string, string>> = {}): string[] {
  return Object.values(labels).flatMap((value) => {
    if (typeof value !== 'string') return [`${at}: Invalid value: must be a string`]
    if (value.length > LONGEST) return [`${at}: Invalid value: "${value}": must be no more than 63 bytes`]
    return LABEL.test(value)
      ? []
      : [
          `${at}: Invalid value: "${value}": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'`,
        ]
  })
}

function wrongModes(spec: JobFields, name: string): string[] {
  const { completionMode, completions, backoffLimitPerIndex, podFailurePolicy, podReplacementPolicy, template } = spec
  const isIndexed = completionMode === 'Indexed'
  return [
    ...(isIndexed && completions === undefined
      ? ['spec.completions: Required value: when completion mode is Indexed']
      : []),
    ...(isIndexed && `${name}-${completions - 1}`.length > LONGEST
      ? [
          `metadata.name: Invalid value: "${name}-${completions - 1}": will not able to create pod with invalid DNS label`,
        ]
      : []),
    ...(backoffLimitPerIndex !== undefined && !isIndexed
      ? ['spec.backoffLimitPerIndex: Invalid value: requires indexed completion mode']
      : []),
    ...(podFailurePolicy && template.spec.restartPolicy !== 'Never'
      ? [
          'spec.template.spec.restartPolicy: Invalid value: only "Never" is supported when podFailurePolicy is specified',
        ]
      : []),
    ...(podFailurePolicy && podReplacementPolicy !== 'Failed'
      ? ['spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"']
      : []),
    ...(podFailurePolicy?.rules.flatMap(({ onPodConditions }, at) =>
      (onPodConditions ?? []).flatMap(({ status }) =>
        status ? [] : [`spec.podFailurePolicy.rules[${at}].onPodConditions[0].status: Required value`],
      ),
    ) ?? []),
  ]
}

function wrongPod({ containers, restartPolicy, volumes = [] }: PodFields): string[] {
  const at = 'spec.template.spec'
  return [
    ...(restartPolicy === 'Never' || restartPolicy === 'OnFailure'
      ? []
      : [`${at}.restartPolicy: Required value: valid values: "OnFailure", "Never"`]),
    ...(containers?.length > 0 ? [] : [`${at}.containers: Required value`]),
    ...(containers ?? []).flatMap(({ image, env = [], resources = {}, volumeMounts = [] }, index) => {
      const here = `${at}.containers[${index}]`
      const { requests = {}, limits = {} } = resources
      return [
        ...(image ? [] : [`${here}.image: Required value`]),
        ...env.flatMap(({ name, value }, each) => [
          ...(ENV_NAME.test(name) ? [] : [`${here}.env[${each}].name: Invalid value: "${name}"`]),
          ...(value === undefined || typeof value === 'string' ? [] : [`${here}.env[${each}].value: must be a string`]),
        ]),
        ...Object.entries({ ...requests, ...limits }).flatMap(([name, value]) =>
          QUANTITY.test(value)
            ? []
            : [`${here}.resources[${name}]: Invalid value: "${value}": quantities must match the regular expression`],
        ),
        ...(limits['nvidia.com/gpu'] === undefined && requests['nvidia.com/gpu'] !== undefined
          ? [`${here}.resources.limits: Required value: Limit must be set for non overcommitable resources`]
          : []),
        ...volumeMounts.flatMap(({ name }, each) =>
          volumes.some((volume) => volume.name === name)
            ? []
            : [`${here}.volumeMounts[${each}].name: Not found: "${name}"`],
        ),
      ]
    }),
  ]
}

/** Of a Job's spec these stay as they were made; of its template all does, once it has started. */
const IMMUTABLE = [
  'completionMode',
  'completions',
  'selector',
  'template',
  'podFailurePolicy',
  'backoffLimitPerIndex',
] as const

/** @throws Refusal 422 where a change touches what cannot be changed */
export function validateChange(before: Job, after: Job): void {
  const causes = IMMUTABLE.flatMap((field) =>
    isDeepStrictEqual(before.spec[field], after.spec[field])
      ? []
      : [`spec.${field}: Invalid value: field is immutable`],
  )
  if (causes.length > 0) throw invalid('Job.batch', after.metadata.name, causes)
}

/** What Pod Security "restricted" has against a pod (https://kubernetes.io/docs/concepts/security/pod-security-standards). */
export function breachesOf({ containers, securityContext = {} }: PodFields): string[] {
  return containers.flatMap(({ name, securityContext: own = {} }) => [
    ...(own.allowPrivilegeEscalation === false
      ? []
      : [
          `allowPrivilegeEscalation != false (container "${name}" must set securityContext.allowPrivilegeEscalation=false)`,
        ]),
    ...(own.capabilities?.drop?.includes('ALL')
      ? []
      : [`unrestricted capabilities (container "${name}" must set securityContext.capabilities.drop=["ALL"])`]),
    ...(securityContext.runAsNonRoot
      ? []
      : [`runAsNonRoot != true (pod or container "${name}" must set securityContext.runAsNonRoot=true)`]),
    ...(securityContext.seccompProfile
      ? []
      : [
          `seccompProfile (pod or container "${name}" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`,
        ]),
  ])
}
