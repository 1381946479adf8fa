import { randomBytes } from 'node:crypto'
import { type RunInfo, store } from '@millrace/sdk'
import { fileUrl } from './destination.ts'

/** A run's own place in its scratch space. */
export interface RunFolder {
  /** Scratch URL for the run's tasks. */
  readonly url: string
  /** Names the run; a resumed run has the name it had before. */
  readonly name: string
  /** Removes everything, where the engine does not do so. */
  close(): Promise<void>
}

/** Runs outside the engine all have this id. */
const NO_RUN = 'none'

/**
 * Opens the place tasks hand on files in. Its name is part of the tasks' arguments: as long as the files are there, a run
 * that is resumed finds its tasks in the journal; when they are gone, so is the name, and the tasks run again.
 */
export async function openRunFolder(run: RunInfo): Promise<RunFolder> {
  const base = store(run.scratch)
  const url = base.folder === undefined ? base.url : fileUrl(base.folder)
  const random = randomBytes(4).toString('hex')
  if (run.id === NO_RUN) {
    const name = `${NO_RUN}-${random}`
    return { url: `${url}/${name}`, name, close: () => base.removeAll(`${name}/`) }
  }
  const marker = 'datacube.json'
  if (!(await base.exists(marker))) await base.writeJson(marker, { folder: random })
  const { folder } = (await base.readJson(marker)) as { folder: string }
  return { url: `${url}/${folder}`, name: run.id, close: async () => {} }
}
