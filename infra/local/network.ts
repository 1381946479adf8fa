import * as docker from '@pulumi/docker'
import * as pulumi from '@pulumi/pulumi'
import { containerName, labelList } from './container.ts'

/** The network of the stack: its containers, and those of its runs, know each other by name there. */
export class LocalNetwork extends pulumi.ComponentResource {
  readonly network: docker.Network

  constructor(name: string, { stack }: { readonly stack: string }, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:LocalNetwork', name, {}, opts)
    this.network = new docker.Network(
      'network',
      { name: containerName(stack, 'network'), driver: 'bridge', labels: labelList(stack, 'network') },
      { parent: this },
    )
    this.registerOutputs()
  }
}
