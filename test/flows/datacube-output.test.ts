import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRun, driveRun, type ExecutorKind, loadFlow, memoryStore } from '@millrace/engine'
import { UserError, withScope } from '@millrace/sdk'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openDestination } from '../../flows/datacube/destination.ts'
import datacube, { type DatacubeSummary } from '../../flows/datacube/flow.ts'
import { fakeGcs } from '../fakes/gcs.ts'
import { fakeS3 } from '../fakes/s3.ts'
import { filesBelow } from '../golden/compare.ts'
import { someRows, type TestFolder, testFolder } from './datacube-folder.ts'

type Given = Partial<Parameters<typeof datacube>[0]>

function run(folder: TestFolder, file: string, more: Given = {}): Promise<DatacubeSummary> {
  return datacube({ model_id: 'm', run_id: 'r', data_paths: [file], ...folder.buckets, ...more })
}

/** Path and content of every file below a folder. */
function contents(folder: string): Record<string, string> {
  return Object.fromEntries(filesBelow(folder).map((path) => [path, readFileSync(join(folder, path), 'base64')]))
}

const TWO_FEATURES = someRows(400, {
  feature: "['rain', 'heat'][1 + i % 2]",
  value: 'sin(i) * 1e6 + 0.1',
  kind: "'kind ' || (i % 5)",
  timestamp: '1577836800000 + (i % 60) * 86400000',
  lat: '(i % 4) * 30 - 40.0',
  lng: '(i % 6) * 50 - 140.0',
})

describe('a folder as destination', () => {
  it('is refused before anything is read when it cannot be written to', async () => {
    const folder = testFolder()
    writeFileSync(folder.out, 'a file in the way')
    await expect(run(folder, 'none.parquet')).rejects.toThrow(
      /^datacube: parameter model_bucket: cannot write to file:.*: a part of its path is a file$/,
    )
  })

  it('keeps what a run of some outputs does not make', async () => {
    const folder = testFolder()
    const before = await folder.parquet('before.parquet', TWO_FEATURES)
    await run(folder, before)
    const old = contents(folder.out)
    const after = await folder.parquet('after.parquet', TWO_FEATURES.replace('sin(i)', 'cos(i)'))
    const summary = await run(folder, after, { selected_output_tasks: ['compute_global_timeseries'] })
    const now = contents(folder.out)
    expect(Object.keys(now)).toEqual(Object.keys(old))
    const changed = Object.keys(now).filter((path) => now[path] !== old[path])
    expect(changed).toEqual([
      'm/r/month/heat/timeseries/global/global.csv',
      'm/r/month/rain/timeseries/global/global.csv',
      'm/r/raw/heat/raw/raw.csv',
      'm/r/raw/rain/raw/raw.csv',
      'm/r/year/heat/timeseries/global/global.csv',
      'm/r/year/rain/timeseries/global/global.csv',
    ])
    expect(summary.files).toBeLessThan(Object.keys(old).length)
    expect(readdirSync(join(folder.out, 'm'))).toEqual(['r'])
  })

  it('is as it was after a run that failed', async () => {
    const folder = testFolder()
    const file = await folder.parquet('data.parquet', TWO_FEATURES, 'COMPRESSION gzip')
    await run(folder, file)
    const old = contents(folder.out)
    const bytes = readFileSync(file)
    bytes.fill(0xff, 1000, 4000)
    writeFileSync(file, bytes)
    await expect(run(folder, file)).rejects.toThrow(UserError)
    expect(contents(folder.out)).toEqual(old)
    expect(readdirSync(join(folder.out, 'm'))).toEqual(['r'])
  })

  it('is cleared of what a killed run left behind', async () => {
    const folder = testFolder()
    const left = join(folder.out, 'm', '.r.partial-abc-123')
    mkdirSync(left, { recursive: true })
    writeFileSync(join(left, 'half.csv'), 'timest')
    const other = join(folder.out, 'm', '.other.partial-abc-123')
    mkdirSync(other)
    await run(folder, await folder.parquet('data.parquet', someRows(5)))
    expect(readdirSync(join(folder.out, 'm'))).toEqual(['.other.partial-abc-123', 'r'])
  })

  it('is found again by a run that is resumed, with what it wrote before', async () => {
    const { buckets, out } = testFolder()
    const first = await openDestination('model_bucket', buckets.model_bucket, ['m', 'r'], 'run-1')
    const again = await openDestination('model_bucket', buckets.model_bucket, ['m', 'r'], 'run-1')
    expect(again.output).toEqual(first.output)
    const another = await openDestination('model_bucket', buckets.model_bucket, ['m', 'r'], 'run-2')
    await expect(first.publish()).rejects.toThrow(/is gone: another run writes to/)
    await another.discard()
    expect(filesBelow(out)).toEqual([])
  })

  it('puts a folder in the place of a file, and a file in the place of a folder', async () => {
    const { buckets, out } = testFolder()
    const write = async (path: string): Promise<void> => {
      const destination = await openDestination('model_bucket', buckets.model_bucket, ['m', 'r'], 'run')
      const staging = join(out, 'm', readdirSync(join(out, 'm')).find((name) => name.startsWith('.r.')) ?? '')
      mkdirSync(join(staging, path, '..'), { recursive: true })
      writeFileSync(join(staging, path), path)
      await destination.publish()
    }
    await write('a/b')
    await write('a/b/c')
    expect(filesBelow(join(out, 'm/r'))).toEqual(['a/b/c'])
    await write('a')
    expect(filesBelow(join(out, 'm/r'))).toEqual(['a'])
  })

  it('takes ids that are paths, and keeps them inside', async () => {
    const folder = testFolder()
    const file = await folder.parquet('data.parquet', someRows(5))
    await run(folder, file, { model_id: '../m/n', run_id: '..' })
    expect(existsSync(join(folder.out, '%2E%2E/m/n/%2E%2E/results/results.json'))).toBe(true)
    expect(readdirSync(folder.path).sort()).toEqual(['in', 'out', 'scratch'])
  })
})

describe('other destinations', () => {
  it('null: computes everything and keeps nothing', async () => {
    const folder = testFolder()
    const file = await folder.parquet('data.parquet', TWO_FEATURES)
    const kept = await run(folder, file)
    rmSync(folder.out, { recursive: true })
    const summary = await run(folder, file, { model_bucket: 'null:' })
    expect(summary).toMatchObject({ files: kept.files, bytes: kept.bytes, destination: 'null:' })
    expect(existsSync(folder.out)).toBe(false)
  })

  it('gs: gets the same files, results.json last', async () => {
    const folder = testFolder()
    const gcs = await fakeGcs(['cubes'])
    onTestFinished(() => gcs.close())
    vi.stubEnv('STORAGE_EMULATOR_HOST', gcs.endpoint)
    onTestFinished(() => void vi.unstubAllEnvs())
    const file = await folder.parquet('data.parquet', someRows(5))
    await run(folder, file)
    const summary = await run(folder, file, { model_bucket: 'gs://cubes/models' })
    const objects = gcs.objects('cubes')
    expect(Object.fromEntries([...objects].map(([path, bytes]) => [path, bytes.toString('base64')]))).toEqual(
      Object.fromEntries(Object.entries(contents(folder.out)).map(([path, bytes]) => [`models/${path}`, bytes])),
    )
    expect([...objects.keys()].at(-1)).toBe('models/m/r/results/results.json')
    expect(summary.destination).toBe('gs://cubes/models/m/r')
  })

  it('s3: is refused before anything is read when it cannot be written to', async () => {
    const folder = testFolder()
    const s3 = await fakeS3([])
    onTestFinished(() => s3.close())
    vi.stubEnv('AWS_ENDPOINT_URL', s3.endpoint)
    vi.stubEnv('AWS_REGION', 'us-east-1')
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test')
    onTestFinished(() => void vi.unstubAllEnvs())
    await expect(run(folder, 'none.parquet', { model_bucket: 's3://denied' })).rejects.toThrow(
      /^datacube: parameter model_bucket: cannot write to s3:\/\/denied: /,
    )
  })
})

describe('a run', () => {
  const root = join(import.meta.dirname, '../..')

  async function drive(
    params: object,
    executor: ExecutorKind,
  ): Promise<{ error: Error | undefined; tallies: Record<string, { done: number; skipped: number }> }> {
    const store = memoryStore()
    const { flow, source } = await loadFlow(root, 'datacube')
    const { id } = await createRun({ flow, source, params, executor, store })
    const { error, tallies } = await driveRun(id, { flow, store, root, slots: 2 })
    return { error, tallies: Object.fromEntries(tallies) }
  }

  it('gives the same bytes on threads, and again', async () => {
    const folder = testFolder()
    vi.stubEnv('MILLRACE_STORE', `file://${folder.path}/store`)
    onTestFinished(() => void vi.unstubAllEnvs())
    const file = await folder.parquet('data.parquet', TWO_FEATURES)
    const params = {
      model_id: 'm',
      run_id: 'r',
      data_paths: [file],
      qualifier_map: { rain: ['kind'] },
      ...folder.buckets,
    }
    await datacube(params)
    const first = contents(folder.out)
    expect(Object.keys(first).length).toBeGreaterThan(400)
    for (let again = 0; again < 2; again++) {
      rmSync(folder.out, { recursive: true })
      const { error } = await drive(params, 'threads')
      expect(error).toBeUndefined()
      expect(contents(folder.out)).toEqual(first)
    }
  })

  it('hands files on through an object store where scratch is one', async () => {
    const folder = testFolder()
    const gcs = await fakeGcs(['scratch'])
    onTestFinished(() => gcs.close())
    vi.stubEnv('STORAGE_EMULATOR_HOST', gcs.endpoint)
    onTestFinished(() => void vi.unstubAllEnvs())
    const file = await folder.parquet('data.parquet', someRows(5, { kind: "'a'" }))
    const params = {
      model_id: 'm',
      run_id: 'r',
      data_paths: [file],
      qualifier_map: { rain: ['kind'] },
      ...folder.buckets,
    }
    await datacube(params)
    const expected = contents(folder.out)
    rmSync(folder.out, { recursive: true })
    const scope = { signal: new AbortController().signal, log: () => {}, progress: () => {} }
    const run = { id: 'none', flow: 'datacube', name: 'test', params, env: 'dev', attempt: 1, config: undefined }
    await withScope({ ...scope, run: { ...run, scratch: 'gs://scratch/runs/1' } }, () => datacube(params))
    expect(contents(folder.out)).toEqual(expected)
    expect([...gcs.objects('scratch').keys()]).toEqual([])
  })

  it('shows which outputs were skipped, as the pipeline it replaces did', async () => {
    const folder = testFolder()
    vi.stubEnv('MILLRACE_STORE', `file://${folder.path}/store`)
    onTestFinished(() => void vi.unstubAllEnvs())
    const file = await folder.parquet('data.parquet', someRows(5, { lat: '', lng: '' }))
    const params = { model_id: 'm', run_id: 'r', data_paths: [file], ...folder.buckets }
    const selected_output_tasks = ['compute_global_timeseries', 'compute_tiles']
    const { tallies } = await drive({ ...params, selected_output_tasks }, 'inline')
    expect(tallies).toMatchObject({
      temporal_aggregation: { done: 3, skipped: 0 },
      compute_global_timeseries: { done: 2, skipped: 0 },
      compute_regional_stats: { skipped: 2 },
      compute_regional_timeseries: { skipped: 2 },
      compute_regional_aggregation: { skipped: 2 },
      subtile_aggregation: { skipped: 2 },
      compute_stats: { skipped: 2 },
      compute_tiling: { skipped: 2 },
      record_results: { skipped: 1 },
    })
  })
})
