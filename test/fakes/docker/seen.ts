import type Docker from 'dockerode'
import type { Seen } from '../../platform/agents/stage.ts'

/** What an engine has of a job, translated back. */
export async function seenOf(docker: Docker, name: string): Promise<Seen> {
  const found = await containersOf(docker, name)
  const driver = found.find(({ Name }) => Name === `/${name}`)
  const workers = found.filter((each) => each !== driver)
  const [worker] = workers
  if (!driver) throw new Error(`the engine has no container ${name}`)
  const labels = driver.Config.Labels
  return {
    text: JSON.stringify(found),
    labels,
    driver: machineOf(driver),
    ...(worker && { workers: { ...machineOf(worker), count: workers.length } }),
    deadline: Number(labels['millrace-deadline']),
  }
}

/** All containers of a job that there are. */
export async function containersOf(docker: Docker, name: string): Promise<Docker.ContainerInspectInfo[]> {
  const listed = await docker.listContainers({ all: true, filters: { label: [`millrace-name=${name}`] } })
  const found = await Promise.all(
    listed.map(({ Id: id }) =>
      docker
        .getContainer(id)
        .inspect()
        .catch(() => undefined),
    ),
  )
  return found.filter((each) => each !== undefined)
}

function machineOf({ Config, HostConfig }: Docker.ContainerInspectInfo): NonNullable<Seen['driver']> {
  const { NanoCpus, Memory, DeviceRequests } = HostConfig
  const gpu = DeviceRequests?.[0]?.Count
  return {
    image: Config.Image,
    ...(NanoCpus && { cpu: NanoCpus / 1e9 }),
    ...(Memory && { memory: Memory }),
    ...(gpu && { gpu }),
  }
}
