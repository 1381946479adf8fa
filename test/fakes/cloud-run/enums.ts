/**
 * Official clients ask for enumerations as numbers (`$alt=json;enum-encoding=int`), and get them so.
 * @param numbers of the names, by the field that has them
 */
export function withNumbers(body: unknown, numbers: Readonly<Record<string, readonly string[]>>): unknown {
  if (Array.isArray(body)) return body.map((each) => withNumbers(each, numbers))
  if (typeof body !== 'object' || body === null) return body
  return Object.fromEntries(
    Object.entries(body).map(([key, value]) => {
      const number = typeof value === 'string' ? (numbers[key]?.indexOf(value) ?? -1) : -1
      return [key, number >= 0 ? number : withNumbers(value, numbers)]
    }),
  )
}

/** google.cloud.run.v2.Condition and ExecutionReference; gaps in the numbers are left empty. */
export const RUN_ENUMS = {
  state: ['STATE_UNSPECIFIED', 'CONDITION_PENDING', 'CONDITION_RECONCILING', 'CONDITION_FAILED', 'CONDITION_SUCCEEDED'],
  reason: [
    'COMMON_REASON_UNDEFINED',
    'UNKNOWN',
    '',
    'REVISION_FAILED',
    'PROGRESS_DEADLINE_EXCEEDED',
    '',
    'CONTAINER_MISSING',
  ],
  executionReason: [
    'EXECUTION_REASON_UNDEFINED',
    'JOB_STATUS_SERVICE_POLLING_ERROR',
    'NON_ZERO_EXIT_CODE',
    'CANCELLED',
    'CANCELLING',
    'DELETED',
    'DELAYED_START_PENDING',
  ],
  completionStatus: [
    'COMPLETION_STATUS_UNSPECIFIED',
    'EXECUTION_SUCCEEDED',
    'EXECUTION_FAILED',
    'EXECUTION_RUNNING',
    'EXECUTION_PENDING',
    'EXECUTION_CANCELLED',
  ],
}
