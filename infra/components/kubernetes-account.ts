import type * as gcp from '@pulumi/gcp'
import * as kubernetes from '@pulumi/kubernetes'
import type * as pulumi from '@pulumi/pulumi'
import { labelsOf, type Place } from '../place.ts'
import type { Cluster } from './cluster.ts'

export interface KubernetesAccountArgs {
  readonly place: Place
  readonly cluster: Cluster
  /** In the platform's namespace. */
  readonly name: string
  /** Who it is at Google. */
  readonly account: gcp.serviceaccount.Account
}

/** Who a pod is: its account in the cluster, and what lets that be a service account of Google Cloud. */
export interface KubernetesAccount {
  readonly account: kubernetes.core.v1.ServiceAccount
  readonly grant: gcp.serviceaccount.IAMMember
}

/** Makes an account for pods, which are a service account of Google Cloud without having a key of it. */
export function makeKubernetesAccount(
  { place, cluster, name, account: google }: KubernetesAccountArgs,
  parent: pulumi.Resource,
): KubernetesAccount {
  const { provider, namespace } = cluster
  const account = new kubernetes.core.v1.ServiceAccount(
    name,
    {
      metadata: {
        name,
        namespace: namespace.metadata.name,
        labels: labelsOf(place, name),
        annotations: { 'iam.gke.io/gcp-service-account': google.email },
      },
    },
    { parent, provider },
  )
  return { account, grant: cluster.letBe(name, google, parent) }
}
