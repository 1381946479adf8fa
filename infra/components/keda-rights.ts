import * as kubernetes from '@pulumi/kubernetes'
import type * as pulumi from '@pulumi/pulumi'

const API = 'rbac.authorization.k8s.io'

export interface KedaRightsArgs {
  /** Name of KEDA's account. */
  readonly account: string
  /** Its namespace. */
  readonly own: pulumi.Input<string>
  /** The namespace whose objects it scales. */
  readonly watched: pulumi.Input<string>
  readonly labels: Readonly<Record<string, string>>
}

/** What KEDA may do: much in the namespace it watches, next to nothing elsewhere. @returns all of it, to depend on */
export function kedaRights(args: KedaRightsArgs, parent: pulumi.Resource): pulumi.Resource[] {
  const { account, own, watched } = args
  const labels = { ...args.labels }
  const self = [{ kind: 'ServiceAccount', name: account, namespace: own }]
  return [...inWatched(), ...inOwn(), ...inAll()]

  /** With the objects that it scales. */
  function inWatched() {
    return grant('keda-scales', watched, [
      { apiGroups: ['keda.sh'], resources: ['*'], verbs: ['*'] },
      { apiGroups: ['autoscaling'], resources: ['horizontalpodautoscalers'], verbs: ['*'] },
      { apiGroups: ['apps'], resources: ['deployments', 'statefulsets'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['get', 'patch', 'update'] },
      { apiGroups: [''], resources: ['pods', 'services', 'configmaps'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
      { apiGroups: [''], resources: ['limitranges'], verbs: ['get', 'list', 'watch'] },
    ])
  }

  /** In its own namespace: its certificate, and who of its copies leads. */
  function inOwn() {
    return grant('keda-own', own, [
      { apiGroups: [''], resources: ['secrets'], verbs: ['create', 'get', 'list', 'patch', 'update', 'watch'] },
      { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['*'] },
      { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
    ])
  }

  function grant(
    role: string,
    namespace: pulumi.Input<string>,
    rules: kubernetes.types.input.rbac.v1.PolicyRule[],
  ): pulumi.Resource[] {
    const metadata = { name: role, namespace, labels }
    return [
      new kubernetes.rbac.v1.Role(role, { metadata, rules }, { parent }),
      new kubernetes.rbac.v1.RoleBinding(
        role,
        {
          metadata,
          roleRef: { apiGroup: API, kind: 'Role', name: role },
          subjects: self,
        },
        { parent },
      ),
    ]
  }

  /** What a server of metrics must: ask who asks, and let the autoscaler of Kubernetes ask it. */
  function inAll(): pulumi.Resource[] {
    const kedaReads = new kubernetes.rbac.v1.ClusterRole(
      'keda-definitions',
      {
        metadata: { name: 'millrace-keda-definitions', labels },
        rules: [
          { apiGroups: ['keda.sh'], resources: ['clustertriggerauthentications'], verbs: ['get', 'list', 'watch'] },
          {
            apiGroups: ['apiregistration.k8s.io'],
            resources: ['apiservices'],
            verbs: ['get', 'list', 'watch'],
          },
        ],
      },
      { parent },
    )
    const hpaReads = new kubernetes.rbac.v1.ClusterRole(
      'keda-external-metrics',
      {
        metadata: { name: 'millrace-keda-external-metrics', labels },
        rules: [{ apiGroups: ['external.metrics.k8s.io'], resources: ['*'], verbs: ['get', 'list'] }],
      },
      { parent },
    )
    const bind = (
      binding: string,
      role: string | pulumi.Output<string>,
      subjects: kubernetes.types.input.rbac.v1.Subject[],
    ) =>
      new kubernetes.rbac.v1.ClusterRoleBinding(
        binding,
        {
          metadata: { name: `millrace-${binding}`, labels },
          roleRef: { apiGroup: API, kind: 'ClusterRole', name: role },
          subjects,
        },
        { parent },
      )
    const reader = new kubernetes.rbac.v1.RoleBinding(
      'keda-authentication-reader',
      {
        metadata: { name: 'millrace-keda-authentication-reader', namespace: 'kube-system', labels },
        roleRef: { apiGroup: API, kind: 'Role', name: 'extension-apiserver-authentication-reader' },
        subjects: self,
      },
      { parent },
    )
    return [
      bind('keda-definitions', kedaReads.metadata.name, self),
      bind('keda-authentication', 'system:auth-delegator', self),
      bind('keda-autoscaler', hpaReads.metadata.name, [
        { kind: 'ServiceAccount', name: 'horizontal-pod-autoscaler', namespace: 'kube-system' },
      ]),
      reader,
    ]
  }
}
