import { type InputPath, PATTERN, placeOf } from './input-paths.ts'
import type { Params } from './params.ts'
import { scratchFile } from './plan.ts'
import { withScratch } from './scratch.ts'
import { fetchData } from './tasks/fetch-data.ts'

/** Makes all input files readable for DuckDB: remote ones are downloaded into the run's scratch folder. */
export async function fetchInputs(
  paths: readonly string[],
  scratch: string,
  source: Params['source'],
): Promise<InputPath[]> {
  const places = paths.map(placeOf)
  const remote = places.flatMap((place, index) => (place.kind === 'remote' ? [{ ...place, index }] : []))
  const fetched = await fetchData.limit(4).map(remote, { scratch, source })
  const byIndex = new Map(remote.map(({ index }, at) => [index, fetched[at]]))
  const inputs: InputPath[] = []
  for (const [index, place] of places.entries()) {
    const found = byIndex.get(index)
    if (found) inputs.push(found)
    else if (place.kind === 'local') {
      const { name, path } = place
      inputs.push(PATTERN.test(path) ? await renamed(index, name, path, scratch) : local(name, path))
    }
  }
  return inputs
}

function local(name: string, path: string): InputPath {
  return { name, path, inScratch: false }
}

/** DuckDB would take such a name for a pattern: gives the file another one. */
async function renamed(index: number, name: string, path: string, scratch: string): Promise<InputPath> {
  const inScratch = scratchFile.input(index)
  await withScratch(scratch, (files) => files.link(inScratch, path))
  return { name, path: inScratch, inScratch: true }
}
