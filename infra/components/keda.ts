import * as kubernetes from '@pulumi/kubernetes'
import type * as pulumi from '@pulumi/pulumi'
import { ComponentResource } from '@pulumi/pulumi'
import type { ClusterConfig } from '../config.ts'
import { labelsOf, type Place } from '../place.ts'
import { kedaRights } from './keda-rights.ts'
import { NOT_WAITED_FOR, POOL_LABEL, SYSTEM_POOL } from './kubernetes-placement.ts'

export interface KedaArgs {
  readonly place: Place
  readonly config: ClusterConfig['keda']
  /** The one namespace whose objects it scales. */
  readonly watched: pulumi.Input<string>
}

const OPERATOR = 'keda-operator'
const METRICS = 'keda-operator-metrics-apiserver'
const CERTIFICATES = 'kedaorg-certs'
/** What KEDA adds to the API, as it names them. */
const KINDS = [
  { kind: 'ScaledObject', plural: 'scaledobjects', scope: 'Namespaced', short: ['so'] },
  { kind: 'ScaledJob', plural: 'scaledjobs', scope: 'Namespaced', short: ['sj'] },
  { kind: 'TriggerAuthentication', plural: 'triggerauthentications', scope: 'Namespaced', short: ['ta'] },
  { kind: 'ClusterTriggerAuthentication', plural: 'clustertriggerauthentications', scope: 'Cluster', short: ['cta'] },
] as const

/**
 * KEDA, which makes as many workers as the queue is long: its operator and its metrics server, watching one namespace.
 *
 * It is declared object by object rather than by its Helm chart: an `up` then downloads nothing, a review sees each right
 * it gets (the chart's are the whole cluster's), and its images are pinned by digest like all others. The kinds it adds
 * are declared without their schema; the operator checks what it reads.
 */
export class Keda extends ComponentResource {
  /** A ScaledObject can be made once these exist. */
  readonly ready: readonly pulumi.Resource[]

  constructor(name: string, args: KedaArgs, opts: pulumi.ComponentResourceOptions) {
    super('millrace:infra:Keda', name, {}, opts)
    const { place, config, watched } = args
    const parent = this
    const labels = labelsOf(place, 'keda')

    const namespace = makeNamespace()
    const own = namespace.metadata.name
    const kinds = KINDS.map(makeKind)
    const account = makeAccount()
    const rights = kedaRights({ account: OPERATOR, own, watched, labels }, this)
    const operator = makeOperator(rights)
    const metrics = makeMetricsServer(operator)
    this.ready = [...kinds, operator, metrics]
    this.registerOutputs()

    function makeNamespace() {
      return new kubernetes.core.v1.Namespace('keda', { metadata: { name: 'keda', labels } }, { parent })
    }

    function makeKind({ kind, plural, scope, short }: (typeof KINDS)[number]) {
      return new kubernetes.apiextensions.v1.CustomResourceDefinition(
        plural,
        {
          metadata: { name: `${plural}.keda.sh`, labels },
          spec: {
            group: 'keda.sh',
            scope,
            names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames: [...short] },
            versions: [
              {
                name: 'v1alpha1',
                served: true,
                storage: true,
                subresources: { status: {} },
                schema: { openAPIV3Schema: { type: 'object', x_kubernetes_preserve_unknown_fields: true } },
              },
            ],
          },
        },
        { parent },
      )
    }

    function makeAccount() {
      return new kubernetes.core.v1.ServiceAccount(
        OPERATOR,
        { metadata: { name: OPERATOR, namespace: own, labels } },
        { parent },
      )
    }

    function makeOperator(after: readonly pulumi.Resource[]) {
      const workload = makeDeployment(OPERATOR, {
        image: `${config.registry}/keda@${config.operator}`,
        command: ['/keda'],
        args: [
          '--leader-elect',
          '--zap-log-level=info',
          '--zap-encoder=json',
          '--enable-cert-rotation=true',
          '--enable-webhook-patching=false',
          `--cert-secret-name=${CERTIFICATES}`,
        ],
        port: { containerPort: 9666, name: 'metrics' },
        probe: { port: 8081, scheme: 'HTTP' },
        certificates: { secretName: CERTIFICATES, optional: true },
        after: [...kinds, ...after],
      })
      makeService(OPERATOR, { name: 'metrics', port: 9666, targetPort: 9666 })
      return workload
    }

    function makeMetricsServer(operator: pulumi.Resource) {
      const workload = makeDeployment(METRICS, {
        image: `${config.registry}/keda-metrics-apiserver@${config.metricsServer}`,
        args: [
          '/usr/local/bin/keda-adapter',
          '--secure-port=6443',
          '--logtostderr=true',
          '--stderrthreshold=ERROR',
          '--v=0',
          '--client-ca-file=/certs/ca.crt',
          '--tls-cert-file=/certs/tls.crt',
          '--tls-private-key-file=/certs/tls.key',
          '--cert-dir=/certs',
          `--metrics-service-address=${OPERATOR}.keda.svc.cluster.local:9666`,
        ],
        port: { containerPort: 6443, name: 'https' },
        probe: { port: 6443, scheme: 'HTTPS' },
        // The operator makes it: until then the container waits.
        certificates: { secretName: CERTIFICATES },
        after: [operator],
      })
      const service = makeService(METRICS, { name: 'https', port: 443, targetPort: 6443 })
      new kubernetes.apiregistration.v1.APIService(
        'external-metrics',
        {
          metadata: { name: 'v1beta1.external.metrics.k8s.io', labels },
          spec: {
            group: 'external.metrics.k8s.io',
            version: 'v1beta1',
            service: { name: service.metadata.name, namespace: own },
            groupPriorityMinimum: 100,
            versionPriority: 100,
            // Its certificate is its own; who may ask is checked by the server.
            insecureSkipTLSVerify: true,
          },
        },
        { parent, dependsOn: [workload] },
      )
      return workload
    }

    function makeDeployment(what: string, spec: DeploymentSpec) {
      const matchLabels = { 'app.kubernetes.io/name': what }
      const podLabels = { ...labels, ...matchLabels }
      const check = (path: string) => ({
        httpGet: { path, port: spec.probe.port, scheme: spec.probe.scheme },
        initialDelaySeconds: 20,
      })
      return new kubernetes.apps.v1.Deployment(
        what,
        {
          metadata: { name: what, namespace: own, labels: podLabels, annotations: NOT_WAITED_FOR },
          spec: {
            replicas: 1,
            selector: { matchLabels },
            template: {
              metadata: { labels: { ...podLabels, version: config.version.replaceAll('.', '-') } },
              spec: {
                serviceAccountName: account.metadata.name,
                nodeSelector: { [POOL_LABEL]: SYSTEM_POOL },
                securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
                containers: [
                  {
                    name: what,
                    image: spec.image,
                    ...(spec.command && { command: spec.command }),
                    args: spec.args,
                    env: [
                      { name: 'WATCH_NAMESPACE', value: watched },
                      { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
                      { name: 'KEDA_HTTP_DEFAULT_TIMEOUT', value: '3000' },
                    ],
                    ports: [spec.port],
                    livenessProbe: check('/healthz'),
                    readinessProbe: check('/readyz'),
                    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '1000Mi' } },
                    securityContext: {
                      allowPrivilegeEscalation: false,
                      readOnlyRootFilesystem: true,
                      capabilities: { drop: ['ALL'] },
                    },
                    volumeMounts: [
                      { name: 'certificates', mountPath: '/certs', readOnly: true },
                      { name: 'scratch', mountPath: '/tmp' },
                    ],
                  },
                ],
                volumes: [
                  { name: 'certificates', secret: spec.certificates },
                  { name: 'scratch', emptyDir: {} },
                ],
              },
            },
          },
        },
        { parent, dependsOn: [...spec.after] },
      )
    }

    function makeService(what: string, port: kubernetes.types.input.core.v1.ServicePort) {
      return new kubernetes.core.v1.Service(
        what,
        {
          metadata: { name: what, namespace: own, labels, annotations: NOT_WAITED_FOR },
          spec: { type: 'ClusterIP', selector: { 'app.kubernetes.io/name': what }, ports: [port] },
        },
        { parent },
      )
    }
  }
}

interface DeploymentSpec {
  readonly image: string
  readonly command?: string[]
  readonly args: string[]
  readonly port: kubernetes.types.input.core.v1.ContainerPort
  readonly probe: { readonly port: number; readonly scheme: 'HTTP' | 'HTTPS' }
  readonly certificates: kubernetes.types.input.core.v1.SecretVolumeSource
  readonly after: readonly pulumi.Resource[]
}
