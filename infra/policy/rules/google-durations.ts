import type { ResourcePolicy } from '../policy.ts'
import { at, itemsAt } from '../values.ts'

const DAY = 86_400

interface DurationRule {
  /** `conditions[].conditionThreshold.duration`: `[]` is every item of a list. */
  readonly path: string
  /** Seconds. */
  readonly least?: number
  readonly multipleOf?: number
  /** An empty text says "never". */
  readonly mayBeEmpty?: true
}

/** Durations that Google takes as seconds with an `s` only. */
const DURATIONS: Readonly<Record<string, readonly DurationRule[]>> = {
  'gcp:cloudrunv2/service:Service': [{ path: 'template.timeout' }],
  'gcp:cloudrunv2/job:Job': [{ path: 'template.template.timeout' }],
  'gcp:pubsub/topic:Topic': [{ path: 'messageRetentionDuration' }],
  'gcp:pubsub/subscription:Subscription': [
    { path: 'messageRetentionDuration' },
    { path: 'expirationPolicy.ttl', least: DAY, mayBeEmpty: true },
    { path: 'retryPolicy.minimumBackoff' },
    { path: 'retryPolicy.maximumBackoff' },
  ],
  'gcp:cloudscheduler/job:Job': [
    { path: 'attemptDeadline' },
    { path: 'retryConfig.maxRetryDuration' },
    { path: 'retryConfig.minBackoffDuration' },
    { path: 'retryConfig.maxBackoffDuration' },
  ],
  'gcp:cloudtasks/queue:Queue': [
    { path: 'retryConfig.maxRetryDuration' },
    { path: 'retryConfig.minBackoff' },
    { path: 'retryConfig.maxBackoff' },
  ],
  'gcp:kms/cryptoKey:CryptoKey': [
    { path: 'rotationPeriod', least: DAY + 1 },
    { path: 'destroyScheduledDuration', least: DAY },
  ],
  'gcp:secretmanager/secret:Secret': [
    { path: 'rotation.rotationPeriod', least: 3600 },
    { path: 'ttl' },
    { path: 'versionDestroyTtl', least: DAY },
  ],
  'gcp:monitoring/alertPolicy:AlertPolicy': [
    { path: 'conditions[].conditionThreshold.duration', multipleOf: 60 },
    { path: 'conditions[].conditionThreshold.aggregations[].alignmentPeriod', least: 60 },
    { path: 'conditions[].conditionAbsent.duration', least: 120, multipleOf: 60 },
    { path: 'conditions[].conditionAbsent.aggregations[].alignmentPeriod', least: 60 },
    { path: 'conditions[].conditionPrometheusQueryLanguage.duration' },
    { path: 'conditions[].conditionPrometheusQueryLanguage.evaluationInterval', least: 30, multipleOf: 30 },
    { path: 'alertStrategy.autoClose', least: 1800 },
    { path: 'alertStrategy.notificationRateLimit.period' },
  ],
}

export const googleDurations: ResourcePolicy = {
  name: 'google-durations',
  description: 'Lengths of time are written as Google takes them: seconds and an "s".',
  reason: '"5m" and "7d" pass the plan and most previews, and fail in the middle of an up.',
  *resource({ type, inputs }) {
    for (const rule of DURATIONS[type] ?? []) {
      for (const { path, value } of found(inputs, rule.path)) {
        if (typeof value !== 'string' || (value === '' && rule.mayBeEmpty)) continue
        const fault = faultOf(value, rule)
        if (fault) yield { property: path, wrong: `is "${value}", which Google refuses`, fix: fault }
      }
    }
  },
}

function faultOf(text: string, { least = 0, multipleOf = 1 }: DurationRule): string | undefined {
  const [, seconds] = /^(\d+(?:\.\d{1,9})?)s$/.exec(text) ?? []
  if (seconds === undefined) return 'write it in seconds: "300s"'
  if (Number(seconds) < least) return `make it ${least}s or more`
  if (multipleOf > 1 && Number(seconds) % multipleOf !== 0) return `make it a multiple of ${multipleOf}s`
  return undefined
}

type Values = Parameters<typeof at>[0]

/** All values at a path with lists on the way. */
function found(value: Values, path: string, before = ''): { path: string; value: Values }[] {
  const [head = '', ...rest] = path.split('[].')
  if (rest.length === 0) return [{ path: before + head, value: at(value, head) }]
  return itemsAt(value, head).flatMap((item) => found(item.value, rest.join('[].'), `${before}${item.path}.`))
}
