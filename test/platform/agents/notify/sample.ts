import type { Delivery, RunEnded } from '../../../../platform/agents/notify/delivery.ts'

/** A run that failed, as the world is told of it. */
export const FAILED: RunEnded = {
  type: 'run.ended',
  timestamp: '2026-11-20T08:03:20.000Z',
  data: {
    id: '01jd0000000000000000000001',
    flow: 'predict',
    name: 'predict_4',
    state: 'Failed',
    message: 'task measure-3: no tile <4> & none beside it',
    deployment: 'predict',
    queue: 'default',
    labels: ['etl', 'gpu'],
    env: 'prod',
    attempt: 1,
    created: '2026-11-20T08:00:00.000Z',
    started: '2026-11-20T08:00:00.000Z',
    ended: '2026-11-20T08:03:20.000Z',
  },
}

export function deliveryTo(to: string, more: Partial<Delivery> = {}): Delivery {
  return { id: 'notice-7', to, event: FAILED, ...more }
}
