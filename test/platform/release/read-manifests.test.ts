import { resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { flowManifest, readManifests } from '../../../platform/release/index.ts'
import { mistakeOf } from '../sdk/failure.ts'
import { flowModule, makeProject } from './project.ts'

let remove = (): void => {}
afterEach(() => remove())

function project(files: Readonly<Record<string, string>>): string {
  const made = makeProject(files)
  remove = made.remove
  return made.root
}

describe('the manifests of a project', () => {
  it('are those of its flows, by name', async () => {
    const root = project({
      'flows/wind/flow.ts': flowModule('wind'),
      'flows/rain/flow.ts': flowModule('rain'),
      'flows/shared/tile.ts': 'export const tile = 1\n',
    })
    expect((await readManifests(root)).map(({ name }) => name)).toEqual(['rain', 'wind'])
  })

  it('are none where there is no flow', async () => {
    expect(await readManifests(project({}))).toEqual([])
  })

  it('can be made of each flow in this repository, as plain data', async () => {
    const manifests = await readManifests(resolve(import.meta.dirname, '../../..'))
    expect(manifests.map(({ name }) => name)).toEqual(expect.arrayContaining(['burn', 'datacube', 'hello']))
    for (const manifest of manifests) {
      expect(flowManifest.parse(JSON.parse(JSON.stringify(manifest)))).toEqual(manifest)
    }
  })

  it.each<[what: string, module: string, mistake: string]>([
    ['exports no flow', 'export default 42\n', 'flows/rain/flow.ts must export a flow as default'],
    ['throws', `throw new Error('no such\\nsettings')\n`, 'flows/rain/flow.ts does not load: no such'],
    ['imports what is not there', `import './gone.ts'\n${flowModule('rain')}`, 'flows/rain/flow.ts does not load: '],
    [
      'has metadata that no flow may have',
      flowModule('rain', `timeout: '8 ours' as never`),
      'flows/rain/flow.ts: flow rain: timeout: expected a length of time',
    ],
    [
      'has another name than its folder',
      flowModule('snow'),
      'flows/rain/flow.ts holds a flow named "snow"; its folder must have the same name',
    ],
    [
      'is a copy of another flow',
      `export { default } from '../wind/flow.ts'\n`,
      'flows/rain/flow.ts holds a flow named "wind"; its folder must have the same name',
    ],
    ['does not say who owns it', flowModule('rain', 'owner: undefined'), 'flow rain: owner: is required (text)'],
  ])('are refused with one line where a module %s', async (_what, module, mistake) => {
    const root = project({ 'flows/rain/flow.ts': module, 'flows/wind/flow.ts': flowModule('wind') })
    const [line] = (await mistakeOf(() => readManifests(root))).split('\n')
    expect(line).toContain(mistake)
  })

  it('name all files that are wrong', async () => {
    const root = project({ 'flows/rain/flow.ts': 'export default 1\n', 'flows/wind/flow.ts': flowModule('sun') })
    const mistake = await mistakeOf(() => readManifests(root))
    expect(mistake.split('\n')).toEqual([
      expect.stringContaining('flows/rain/flow.ts must export a flow'),
      expect.stringContaining('flows/wind/flow.ts holds a flow named "sun"'),
    ])
  })
})
