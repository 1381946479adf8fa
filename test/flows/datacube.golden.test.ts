import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '@millrace/sdk'
import { describe, expect, it } from 'vitest'
import datacube from '../../flows/datacube/flow.ts'
import { compareTrees, filesBelow } from '../golden/compare.ts'
import { testFolder } from './datacube-folder.ts'

const CASES = join(import.meta.dirname, '../golden/datacube')

/** The parameters of a case, with its files found and its output sent to a folder. */
function paramsOf(name: string, buckets: object): Parameters<typeof datacube>[0] {
  const given = JSON.parse(readFileSync(join(CASES, name, 'params.json'), 'utf8'))
  return { ...given, data_paths: given.data_paths.map((path: string) => join(CASES, name, path)), ...buckets }
}

const complete = readdirSync(CASES).filter((name) => readFileSync(join(CASES, name, 'expected.jsonl')).length > 0)

describe('datacube writes what the pipeline it replaces wrote', () => {
  it.each(complete)('%s', async (name) => {
    const folder = testFolder()
    const summary = await datacube(paramsOf(name, folder.buckets))
    expect(compareTrees(join(CASES, name, 'expected.jsonl'), folder.out)).toEqual([])
    expect(summary.files).toBe(filesBelow(folder.out).length)
  })

  it('09-no-numeric-file fails and writes nothing', async () => {
    const folder = testFolder()
    const run = datacube(paramsOf('09-no-numeric-file', folder.buckets))
    await expect(run).rejects.toThrow(UserError)
    expect(existsSync(folder.out)).toBe(false)
  })
})
