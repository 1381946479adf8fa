/** Objects of the Kubernetes API, as JSON, as far as Jobs need them. Times are texts (RFC 3339). */

export interface Metadata {
  name: string
  namespace: string
  uid: string
  resourceVersion: string
  creationTimestamp: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: OwnerReference[]
  finalizers?: string[]
}

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

export interface Condition {
  type: string
  status: 'True' | 'False'
  reason?: string
  message?: string
  lastTransitionTime: string
}

export interface Job {
  apiVersion: 'batch/v1'
  kind: 'Job'
  metadata: Metadata
  spec: JobFields
  status: JobProgress
}

export interface JobFields {
  suspend: boolean
  completions: number
  parallelism: number
  completionMode: 'NonIndexed' | 'Indexed'
  backoffLimit: number
  backoffLimitPerIndex?: number
  podFailurePolicy?: { rules: { action: string; onPodConditions?: { type: string; status: string }[] }[] }
  podReplacementPolicy: 'TerminatingOrFailed' | 'Failed'
  activeDeadlineSeconds?: number
  ttlSecondsAfterFinished?: number
  selector: { matchLabels: Record<string, string> }
  template: PodTemplate
}

export interface JobProgress {
  active?: number
  terminating?: number
  ready?: number
  succeeded?: number
  failed?: number
  startTime?: string
  completionTime?: string
  conditions?: Condition[]
  completedIndexes?: string
  failedIndexes?: string
}

export interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> }
  spec: PodFields
}

export interface PodFields {
  containers: Container[]
  restartPolicy: string
  serviceAccountName?: string
  terminationGracePeriodSeconds?: number
  nodeName?: string
  nodeSelector?: Record<string, string>
  affinity?: {
    nodeAffinity?: {
      requiredDuringSchedulingIgnoredDuringExecution?: {
        nodeSelectorTerms: { matchExpressions?: { key: string; operator: string; values?: string[] }[] }[]
      }
    }
  }
  tolerations?: { key?: string; operator?: string; value?: string; effect?: string }[]
  securityContext?: { runAsNonRoot?: boolean; seccompProfile?: { type: string } }
  volumes?: { name: string; emptyDir?: object }[]
  [other: string]: unknown
}

export interface Container {
  name: string
  image: string
  command?: string[]
  env?: { name: string; value?: string }[]
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> }
  securityContext?: {
    allowPrivilegeEscalation?: boolean
    readOnlyRootFilesystem?: boolean
    capabilities?: { drop?: string[] }
  }
  volumeMounts?: { name: string; mountPath: string }[]
}

export interface Pod {
  apiVersion: 'v1'
  kind: 'Pod'
  metadata: Metadata
  spec: PodFields
  status: {
    phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed'
    reason?: string
    message?: string
    startTime?: string
    conditions?: Condition[]
    containerStatuses?: { name: string; image: string; restartCount: 0; ready: boolean; state: ContainerState }[]
  }
}

export type ContainerState =
  | { waiting: { reason: string; message?: string } }
  | { running: { startedAt: string } }
  | { terminated: { exitCode: number; reason: string; message?: string; finishedAt: string } }

export interface Event {
  apiVersion: 'v1'
  kind: 'Event'
  metadata: Metadata
  type: 'Normal' | 'Warning'
  reason: string
  message: string
  involvedObject: { kind: string; name: string; namespace: string; uid: string }
  firstTimestamp: string
  lastTimestamp: string
  count: number
}
