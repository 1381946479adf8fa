import { runOfDeployment } from '@millrace/engine'
import { expect, it } from 'vitest'
import { deployment } from './scene.ts'

const GiB = 2 ** 30
const PREDICT = deployment({
  name: 'predict@x',
  flow: 'predict',
  params: { model: 'ndwi', water: [1] },
  labels: ['etl'],
  launcher: 'vertex',
  timeout: 1000,
  release: '7',
  commit: 'abc',
  job: {
    bundles: 'gs://bundles',
    image: 'predict@sha256:1',
    driver: { cpu: 4, memory: 16 * GiB },
    workers: { count: 8, cpu: 1, memory: 4 * GiB, spot: true },
    secretVersions: { key: 'projects/p/secrets/key/versions/3' },
  },
})

it('a run has what its deployment says', () => {
  const { name, flow, description: _d, owner: _o, contact: _c, ...kept } = PREDICT
  expect(runOfDeployment(PREDICT)).toEqual({ ...kept, flow, deployment: name, name: '', executor: 'cluster' })
})

it('what it says itself stands above that, field by field', () => {
  const run = runOfDeployment(PREDICT, {
    params: { water: [2] },
    labels: ['me'],
    queue: 'slow',
    driver: { gpu: 1 },
    workers: { count: 4, memory: 58 * GiB },
    name: 'mine',
  })
  expect(run).toMatchObject({ params: { model: 'ndwi', water: [2] }, labels: ['me'], queue: 'slow', name: 'mine' })
  expect(run.job.driver).toEqual({ cpu: 4, memory: 16 * GiB, gpu: 1 })
  expect(run.job.workers).toEqual({ count: 4, cpu: 1, memory: 58 * GiB, spot: true })
  expect(run.job.image).toBe('predict@sha256:1')
})

it('its tasks run on threads of the driver where it has no workers, and on its cluster where it has one', () => {
  expect(runOfDeployment(PREDICT, { workers: { count: 0 } }).executor).toBe('threads')
  expect(runOfDeployment(PREDICT, { workers: { count: 0 }, cluster: 'big' })).toMatchObject({
    executor: 'cluster',
    job: { cluster: 'big' },
  })
})
