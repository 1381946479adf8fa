import { JOB_LABEL } from '../../launcher.ts'

/** Which part of a job an object is of: `driver` or `workers`. */
export const PART = 'millrace-part'

/** Kubernetes' own label of the pods of a Job. */
export const JOB_NAME = 'batch.kubernetes.io/job-name'

/** Selects the drivers' Jobs and pods of a stack. */
export function driversOf(stack: string): string {
  return `${JOB_LABEL.millrace}=job,${JOB_LABEL.stack}=${stack},${PART}=driver`
}
