import { UserError } from '@millrace/sdk'
import { LAUNCHERS, type Launcher, type LauncherKind } from './launcher.ts'

/** Where an agent launches, as its environment or a command line says. Each launcher takes its part of it. */
export interface LauncherSettings {
  readonly stack: string
  /** process: the project's folder, or that of an image; where jobs are kept below. */
  readonly root: string
  readonly folder: string
  /** docker: name of the network that containers join. */
  readonly network?: string | undefined
  /** docker: volumes and folders of the engine's machine that containers have: `VOLUME:/data`. */
  readonly binds?: readonly string[] | undefined
  /** kubernetes */
  readonly namespace?: string | undefined
  /** cloud-run, vertex */
  readonly project?: string | undefined
  readonly region?: string | undefined
}

/**
 * Opens a launcher. The clients of the others are not loaded.
 * @throws UserError when there is none of that name, or something that it needs is not said
 */
export async function openLauncher(kind: string, settings: LauncherSettings): Promise<Launcher> {
  const found = LAUNCHERS.find((each) => each === kind)
  if (!found) throw new UserError(`there is no launcher "${kind}"`, `Launchers: ${LAUNCHERS.join(', ')}.`)
  return await open(found, settings)
}

async function open(kind: LauncherKind, settings: LauncherSettings): Promise<Launcher> {
  const { stack, root, folder, network, binds, namespace } = settings
  switch (kind) {
    case 'process':
      return (await import('./launchers/process.ts')).processLauncher({ root, folder, stack })
    case 'docker':
      return (await import('./launchers/docker.ts')).dockerLauncher({
        stack,
        ...(network !== undefined && { network }),
        ...(binds && { binds }),
      })
    case 'kubernetes':
      return (await import('./launchers/kubernetes.ts')).kubernetesLauncher({
        stack,
        ...(namespace !== undefined && { namespace }),
      })
    case 'cloud-run':
      return (await import('./launchers/cloud-run.ts')).cloudRunLauncher({ stack, ...cloud(kind, settings) })
    case 'vertex':
      return (await import('./launchers/vertex.ts')).vertexLauncher({ stack, ...cloud(kind, settings) })
  }
}

function cloud(
  kind: LauncherKind,
  { project, region, network }: LauncherSettings,
): { project: string; region: string; network?: string } {
  if (project === undefined) throw new UserError(`the launcher ${kind} needs a project: --project, or MILLRACE_PROJECT`)
  if (region === undefined) throw new UserError(`the launcher ${kind} needs a region: --region, or MILLRACE_REGION`)
  return { project, region, ...(network !== undefined && { network }) }
}
