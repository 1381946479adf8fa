import { type Planned, Unknown } from '../../../../infra/plan/planned-resource.ts'
import type { Cases } from '../cases.ts'
import { component, DIGEST, resource } from '../fragments.ts'

type Inputs = { readonly [key: string]: Planned }

/** A container as all of a stack are, but for what is said. */
const container = (inputs: Inputs = {}, within = 'LocalWorkers') => [
  resource(
    'docker:index/container:Container',
    'c',
    {
      image: DIGEST,
      restart: 'unless-stopped',
      readOnly: true,
      capabilities: { drops: ['ALL'] },
      securityOpts: ['no-new-privileges'],
      memory: 512,
      memorySwap: 512,
      logOpts: { 'max-size': '10m' },
      ...inputs,
    },
    { parent: component(within, 'part') },
  ),
]
const image = (name: Planned) => [resource('docker:index/remoteImage:RemoteImage', 'postgres', { name })]
const HASH = DIGEST.slice('sha256:'.length)

export const docker: Cases = {
  'docker-rights': {
    keeps: [
      ['a container with no rights', container()],
      ['one that is brought files, and ends', container({ restart: 'no', readOnly: false })],
      ['a network of its own', container({ networkMode: 'millrace-dev-network' })],
      ['no network', container({ networkMode: 'none' })],
    ],
    breaks: [
      [
        'all rights',
        container({ privileged: true }),
        'Container c: privileged is true, which is all rights of root; remove it',
      ],
      [
        'the rights that Docker leaves if nobody says anything',
        container({ capabilities: {} }),
        'Container c: capabilities.drops is missing; set it to ["ALL"]',
      ],
      [
        'some of them',
        container({ capabilities: { drops: ['NET_RAW'] } }),
        'Container c: capabilities.drops is ["NET_RAW"]; set it to ["ALL"]',
      ],
      [
        'one right more',
        container({ capabilities: { drops: ['ALL'], adds: ['SYS_ADMIN'] } }),
        'Container c: capabilities.adds[0] is "SYS_ADMIN"; do without it, for instance by another user',
      ],
      [
        'a way to more rights',
        container({ securityOpts: ['seccomp=unconfined'] }),
        'Container c: securityOpts is ["seccomp=unconfined"]; set it to ["no-new-privileges"]',
      ],
      [
        'the network of the machine',
        container({ networkMode: 'host' }),
        'Container c: networkMode is "host", which is not its own; give it its own',
      ],
      [
        'the processes of another container',
        container({ pidMode: 'container:agent' }),
        'Container c: pidMode is "container:agent", which is not its own; give it its own',
      ],
      ['a device', container({ devices: [{ hostPath: '/dev/sda' }] }), 'Container c: devices is not empty; remove it'],
      [
        'a disk that it can change',
        container({ readOnly: false }),
        'Container c: readOnly is false; set it to true, and tmpfs for what it writes',
      ],
    ],
  },

  'docker-socket': {
    keeps: [
      ['the agent', container({ volumes: [{ hostPath: '/run/user/1000/docker.sock' }] }, 'LocalAgent')],
      ['a volume', container({ volumes: [{ volumeName: 'data', containerPath: '/data' }] })],
      [
        'a folder that is for it',
        container({ volumes: [{ hostPath: '/srv/millrace', containerPath: '/srv/millrace' }] }),
      ],
    ],
    breaks: [
      [
        'a worker with the socket',
        container({ volumes: [{ hostPath: '/var/run/docker.sock' }] }),
        'Container c: volumes[0].hostPath is "/var/run/docker.sock"; remove it: the agent alone starts containers',
      ],
      [
        'the folder that the socket is in',
        container({ mounts: [{ source: '/var//run/', type: 'bind' }] }),
        'Container c: mounts[0].source is "/var//run/"; remove it: the agent alone starts containers',
      ],
      [
        'an agent with the disk of the machine',
        container({ volumes: [{ hostPath: '/' }] }, 'LocalAgent'),
        'Container c: volumes[0].hostPath is "/"; remove it: the agent alone starts containers',
      ],
    ],
  },

  'docker-ports': {
    keeps: [
      ['nothing published', container()],
      ['a port of this machine', container({ ports: [{ internal: 8080, external: 8080, ip: '127.0.0.1' }] })],
      ['the same by IPv6', container({ ports: [{ internal: 8080, external: 8080, ip: '::1' }] })],
    ],
    breaks: [
      [
        'a port of every network, as Docker has it if nobody says anything',
        container({ ports: [{ internal: 5432, external: 5432 }] }),
        'Container c: ports[0].ip is missing; set it to "127.0.0.1"',
      ],
      [
        'a port of every network',
        container({ ports: [{ internal: 5432, external: 5432, ip: '0.0.0.0' }] }),
        'Container c: ports[0].ip is "0.0.0.0"; set it to "127.0.0.1"',
      ],
      [
        'all ports',
        container({ publishAllPorts: true }),
        'Container c: publishAllPorts is true; name each port, and the address 127.0.0.1',
      ],
    ],
  },

  'docker-images': {
    keeps: [
      ['an id', container()],
      ['a digest', container({ image: `postgres@${DIGEST}` })],
      ['a name that ends in the hash of what is in it', container({ image: `millrace/agent:${HASH}` })],
      ['what is yet to be built', container({ image: new Unknown('agent.digest') })],
      ['what is yet to be brought', container({ image: new Unknown('postgres.imageId') })],
      ['what cannot be seen yet', container({ image: new Unknown() })],
      ['an image of others by digest', image(`postgres@${DIGEST}`)],
    ],
    breaks: [
      [
        'a tag',
        container({ image: 'millrace/agent:latest' }),
        'Container c: image is "millrace/agent:latest"; give the digest of an Image, or imageId of a RemoteImage',
      ],
      [
        'a name that is known only later',
        container({ image: new Unknown('postgres.name') }),
        'Container c: image is known only later; give the digest of an Image, or imageId of a RemoteImage',
      ],
      [
        'a tag of others',
        image('postgres:17'),
        'RemoteImage postgres: name is "postgres:17"; name it by digest: IMAGE@sha256:…, 64 hexadecimal digits',
      ],
    ],
  },

  'docker-bounds': {
    keeps: [['bounds', container()]],
    breaks: [
      ['any amount of memory', container({ memory: null }), 'Container c: memory is missing; set it, in MiB'],
      [
        'memory that is swapped',
        container({ memorySwap: -1 }),
        'Container c: memorySwap is -1; set it to what memory is: none of it is swapped',
      ],
      [
        'a log without end',
        container({ logOpts: {} }),
        'Container c: logOpts.max-size is missing; set it, for instance to "10m"',
      ],
    ],
  },
}
