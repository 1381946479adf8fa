/** google.cloud.aiplatform.v1: by their numbers, gaps left empty. */
export const VERTEX_ENUMS = {
  state: [
    'JOB_STATE_UNSPECIFIED',
    'JOB_STATE_QUEUED',
    'JOB_STATE_PENDING',
    'JOB_STATE_RUNNING',
    'JOB_STATE_SUCCEEDED',
    'JOB_STATE_FAILED',
    'JOB_STATE_CANCELLING',
    'JOB_STATE_CANCELLED',
    'JOB_STATE_PAUSED',
    'JOB_STATE_EXPIRED',
  ],
}

/** Of Scheduling.Strategy. */
export const SPOT = 4
