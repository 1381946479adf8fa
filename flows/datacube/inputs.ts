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
  const places = paths.map((name, index) => ({ name, index, place: placeOf(name) }))
  const remote = places.filter(({ place }) => place.kind === 'remote')
  const fetched = await fetchData.limit(4).map(
    remote.map(({ index, name }) => ({ index, name })),
    { scratch, source },
  )
  const byName = new Map(fetched.map((input) => [input.name, input]))
  const inputs: InputPath[] = []
  for (const { name, index, place } of places) {
    const found = byName.get(name)
    if (found) inputs.push(found)
    else if (place.kind === 'local') {
      inputs.push(PATTERN.test(place.path) ? await renamed(index, name, place.path, scratch) : local(name, place.path))
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
