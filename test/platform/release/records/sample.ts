import { createHash } from 'node:crypto'
import type { Deployment, FlowManifest, Release } from '@millrace/release'
import { releaseRecord } from '@millrace/release'

/** A digest that stands for a content. */
export function digest(content: string): string {
  return createHash('sha256').update(content).digest('hex')
}

export function image(content: string): string {
  return `registry.example.org/${content}@sha256:${digest(content)}`
}

export function manifest(name: string, more: Partial<FlowManifest> = {}): FlowManifest {
  return {
    name,
    description: 'Does it.',
    owner: 'us',
    contact: 'us@example.org',
    sources: [],
    sinks: [],
    params: {},
    runOn: {},
    workers: { count: 0 },
    labels: [],
    queue: 'default',
    secrets: [],
    ...more,
  }
}

/** A flow as it is deployed on a machine of one's own. */
export function local(flow: string, more: Partial<Deployment> = {}): Deployment {
  return {
    flow,
    description: 'Does it.',
    owner: 'us',
    contact: 'us@example.org',
    params: {},
    queue: 'default',
    labels: [],
    runOn: {},
    workers: { count: 0 },
    bundle: digest(`${flow} 1`),
    secretVersions: {},
    ...more,
  }
}

/** A flow as it is deployed in the cloud. */
export function inCloud(flow: string, more: Partial<Deployment> = {}): Deployment {
  return local(flow, {
    image: image(`flow-${flow}`),
    account: `flow-${flow}@example-dev.iam.gserviceaccount.com`,
    store: `gs://example-dev-results/flows/${flow}/`,
    ...more,
  })
}

export function releaseOf(deployments: readonly Deployment[], more: Partial<Release> = {}): Release {
  return releaseRecord({
    stack: 'dev',
    madeBy: 'up',
    bundles: 'gs://example-dev-bundles',
    images: { runtime: image('runtime') },
    ...more,
    deployments,
  })
}
