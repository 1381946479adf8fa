import type * as gcp from '@pulumi/gcp'
import * as pulumi from '@pulumi/pulumi'

/**
 * How to reach the API of a cluster: by its name, whose certificate is a public one; by address where it has no name.
 * Who asks is told by `gke-gcloud-auth-plugin`, which must be on the PATH of whoever runs `up`.
 */
export function kubeconfig(cluster: gcp.container.Cluster): pulumi.Output<string> {
  return pulumi
    .all([cluster.name, cluster.endpoint, cluster.masterAuth, cluster.controlPlaneEndpointsConfig])
    .apply(([name, endpoint, auth, control]) => {
      const byName = control?.dnsEndpointConfig?.endpoint
      const server = byName
        ? { server: `https://${byName}` }
        : { server: `https://${endpoint}`, 'certificate-authority-data': auth?.clusterCaCertificate }
      return JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': name,
        clusters: [{ name, cluster: server }],
        contexts: [{ name, context: { cluster: name, user: name } }],
        users: [
          {
            name,
            user: {
              exec: {
                apiVersion: 'client.authentication.k8s.io/v1beta1',
                command: 'gke-gcloud-auth-plugin',
                installHint: 'Install gke-gcloud-auth-plugin: gcloud components install gke-gcloud-auth-plugin',
                provideClusterInfo: true,
              },
            },
          },
        ],
      })
    })
}
