import { readFileSync } from 'node:fs'
import {
  type CommitFacts,
  type Deployment,
  deploymentOf,
  type FlowManifest,
  releasePath,
  UP_PATH,
  upText,
} from '@millrace/release'
import * as docker from '@pulumi/docker'
import * as pulumi from '@pulumi/pulumi'
import type { BundleFiles } from '../components/bundle-objects.ts'
import { releaseText } from '../release-text.ts'
import type { LocalFlowConfig } from './config.ts'
import { bounds, containerName, labelList } from './container.ts'
import type { LocalFoundation } from './foundation.ts'

const NAME = 'release'
/** Where a release lies in its container, until its program puts it into the stack's data. */
const BROUGHT = '/release'
const PROGRAM = 'put-release.ts'

/** A flow that the stack deploys. */
export interface LocalFlow {
  readonly manifest: FlowManifest
  readonly bundle: BundleFiles
  readonly config: LocalFlowConfig
}

export interface LocalReleaseArgs {
  readonly foundation: LocalFoundation
  readonly flows: readonly LocalFlow[]
  /** Whether the schedules of flows are live. */
  readonly schedules: boolean
  /** Who runs it: they are of this `up` before anything of the release begins. */
  readonly runners: readonly pulumi.Resource[]
  /** What it is made from; undefined outside of a repository. */
  readonly commit: CommitFacts | undefined
}

/**
 * What this `up` deploys, bundles and record, in the stack's data, where the agent finds it. A container brings it there
 * and ends; another release is another container. Releases before it stay, and can be gone back to.
 */
export class LocalRelease extends pulumi.ComponentResource {
  readonly id: pulumi.Output<string>

  constructor(name: string, args: LocalReleaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:LocalRelease', name, {}, opts)
    const { foundation, flows, runners, commit } = args
    const { stack, images, data } = foundation
    const parent = this
    const made = makeText()
    const container = bring()
    this.id = pulumi.all([made.id, container.exitCode, container.containerLogs, container.urn]).apply(checked)
    this.registerOutputs({ id: this.id })

    function makeText() {
      return pulumi
        .all([pulumi.all(flows.map(deployment)), pulumi.all(images.platform)])
        .apply(([deployments, ids]) =>
          releaseText({ stack, commit, bundles: data.url('bundles'), images: ids, deployments }),
        )
    }

    function deployment({ manifest, bundle, config }: LocalFlow): pulumi.Output<Deployment> {
      return images.named({ flow: manifest.name }).apply((image) =>
        deploymentOf(
          manifest,
          { ...config, launcher: 'docker' },
          {
            bundle: bundle.digest,
            image,
            // That of the workers, too: what a driver puts there, they look for by the same name.
            store: data.url('results'),
            secretVersions: {},
            schedules: args.schedules,
          },
        ),
      )
    }

    function bring() {
      return new docker.Container(
        NAME,
        {
          name: containerName(stack, NAME),
          image: images.of('agent'),
          entrypoints: ['/app/bin/node', `${BROUGHT}/${PROGRAM}`, `${BROUGHT}/data`, data.path],
          labels: labelList(stack, NAME),
          networkMode: 'none',
          volumes: [data.mount()],
          // Not read-only: an engine brings no files to a disk that is.
          uploads: [
            { file: `${BROUGHT}/${PROGRAM}`, content: readFileSync(new URL(PROGRAM, import.meta.url), 'utf8') },
            { file: made.id.apply((id) => `${BROUGHT}/data/releases/${releasePath(id)}`), content: made.text },
            { file: `${BROUGHT}/data/releases/${UP_PATH}`, content: made.id.apply(upText) },
            ...flows.flatMap(({ bundle }) =>
              [...bundle.files].map(([path, source]) => ({ file: `${BROUGHT}/data/bundles/${path}`, source })),
            ),
          ],
          ...bounds({ memory: 256 * 2 ** 20 }),
          restart: 'no',
          mustRun: false,
          attach: true,
          logs: true,
        },
        { parent, deleteBeforeReplace: true, dependsOn: [...data.ready, ...runners] },
      )
    }

    /** The provider takes any end of a container that may end for a good one. */
    function checked([id, code, said, urn]: [string, number, string, string]): string {
      if (!(code > 0)) return id
      throw new Error(
        `release ${id} was not put into the data of the stack: ${said.trim() || `its container ended with ${code}`}\n` +
          `When that is mended: npm run pulumi -- up --stack ${stack} --replace '${urn}'`,
      )
    }
  }
}
