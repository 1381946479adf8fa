import * as docker from '@pulumi/docker'
import * as pulumi from '@pulumi/pulumi'
import { bounds, containerName, labelList, makeVolume } from './container.ts'

const NAME = 'data'

export interface LocalDataArgs {
  readonly stack: string
  readonly protect: boolean
  /** Folder of the engine's machine. @default a volume of the engine's */
  readonly folder: string | undefined
  /** Id of an image with Node. */
  readonly image: pulumi.Input<string>
}

/** What drivers, workers, the agent and the console share: releases, bundles, results. */
export class LocalData extends pulumi.ComponentResource {
  /** Where it is in containers; a folder has the same path on its machine. */
  readonly path: string
  /** As Docker writes it: `VOLUME:/data`. */
  readonly bind: pulumi.Output<string>
  /** What must be there before somebody writes. */
  readonly ready: readonly pulumi.Resource[]
  private readonly volume: docker.Volume | undefined

  constructor(name: string, args: LocalDataArgs, opts?: pulumi.ComponentResourceOptions) {
    super('millrace:infra:LocalData', name, {}, opts)
    const { stack, protect, folder, image } = args
    const parent = this
    this.path = folder ?? '/data'
    this.volume = folder === undefined ? makeVolume(stack, NAME, { parent, protect }) : undefined
    this.ready = this.volume ? [openVolume(this.mount())] : []
    this.bind = pulumi.interpolate`${this.volume?.name ?? this.path}:${this.path}`
    this.registerOutputs()

    /** A new volume is root's, and our programs are not root: this lets them write, and ends. */
    function openVolume(mount: docker.types.input.ContainerVolume) {
      return new docker.Container(
        'data-opened',
        {
          name: containerName(stack, 'data-opened'),
          image,
          entrypoints: ['/app/bin/node', '-e', "require('node:fs').chmodSync(process.argv[1], 0o1777)", '/data'],
          user: '0:0',
          labels: labelList(stack, NAME),
          networkMode: 'none',
          volumes: [mount],
          readOnly: true,
          ...bounds({ memory: 128 * 2 ** 20 }),
          restart: 'no',
          mustRun: false,
          attach: true,
        },
        {
          parent,
          deleteBeforeReplace: true,
          // Done once: another image does it no better.
          ignoreChanges: ['image'],
        },
      )
    }
  }

  /** The URL of a part of it. */
  url(part: 'releases' | 'bundles' | 'results'): string {
    return `file:${this.path.replaceAll('%', '%25')}/${part}`
  }

  /** It, in a container. */
  mount({ readOnly = false } = {}): docker.types.input.ContainerVolume {
    const where = this.volume ? { volumeName: this.volume.name } : { hostPath: this.path }
    return { ...where, containerPath: this.path, readOnly }
  }
}
