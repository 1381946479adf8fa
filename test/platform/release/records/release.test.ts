import {
  deploymentOf,
  listReleases,
  readRelease,
  recordText,
  releaseId,
  releasePath,
  releaseRecord,
} from '@millrace/release'
import { expect, it } from 'vitest'
import { writeRelease } from '../../../../platform/release/records/read-releases.ts'
import { mistakeOf } from '../../sdk/failure.ts'
import { withEachStore } from './places.ts'
import { digest, image, inCloud, local, manifest, releaseOf } from './sample.ts'

const NOON = new Date('2026-11-25T12:00:00.250Z')

it('has one text, however it was put together', () => {
  const [a, b] = [local('a', { params: { x: 1, y: { p: [1], q: 2 } } }), local('b')]
  const again = [local('b'), local('a', { params: { y: { q: 2, p: [1] }, x: 1 }, cluster: undefined })]
  expect(recordText(releaseOf(again))).toBe(recordText(releaseOf([a, b])))
  expect(recordText(releaseOf([a]))).not.toBe(recordText(releaseOf([a, b])))
})

it('has an id of time and content', () => {
  const record = releaseOf([local('a')])
  expect(releaseId(record, NOON)).toMatch(/^20261125T120000Z-[0-9a-f]{8}$/)
  expect(releaseId(releaseOf([local('a')]), NOON)).toBe(releaseId(record, NOON))
  const other = releaseId(releaseOf([local('a', { queue: 'slow' })]), NOON)
  expect(other.slice(0, 17)).toBe('20261125T120000Z-')
  expect(other).not.toBe(releaseId(record, NOON))
})

it('is refused where the program that makes it is wrong', () => {
  const parts = { stack: 'dev', madeBy: 'up', bundles: 'gs://b' } as const
  const tag = { ...local('a'), image: 'registry/flow:latest' }
  expect(() => releaseRecord({ ...parts, deployments: [tag] })).toThrow(
    'release: deployments.a.image: must be an image by its digest',
  )
})

it("has of a flow its own word, and above it the stack's", () => {
  const rain = manifest('rain', {
    runOn: { launcher: 'vertex', cpu: 4, memory: 1000 },
    labels: ['etl'],
    schedule: { cron: '0 4 * * *', timezone: 'UTC', params: {} },
    timeout: 1000,
  })
  const given = { bundle: digest('rain'), secretVersions: {}, schedules: true }
  expect(deploymentOf(rain, {}, given)).toEqual({
    ...local('rain', { bundle: digest('rain'), labels: ['etl'], timeout: 1000 }),
    runOn: { launcher: 'vertex', cpu: 4, memory: 1000 },
    schedule: { cron: '0 4 * * *', timezone: 'UTC', params: {} },
  })
  const stack = { cpu: 8, launcher: undefined, labels: ['big'], queue: 'slow', cluster: 'standard', params: { n: 1 } }
  expect(deploymentOf(rain, { ...stack, schedule: 'off' }, { ...given, account: 'a@b', image: image('i') })).toEqual({
    ...local('rain', { bundle: digest('rain'), labels: ['big'], timeout: 1000, queue: 'slow', cluster: 'standard' }),
    runOn: { launcher: 'vertex', cpu: 8, memory: 1000 },
    params: { n: 1 },
    account: 'a@b',
    image: image('i'),
  })
  expect(deploymentOf(rain, {}, { ...given, schedules: false })).not.toHaveProperty('schedule')
})

withEachStore('records of releases', (open) => {
  it('come back as they were written', async () => {
    const records = open()
    const record = releaseOf([inCloud('a'), inCloud('b')], { commit: { id: 'a'.repeat(40), time: NOON.toISOString() } })
    const id = await writeRelease(records, record, NOON)
    expect(await readRelease(records, id)).toEqual(record)
    expect(await writeRelease(records, record, NOON)).toBe(id)
  })

  it('are named when they are not there, or are not what their name says', async () => {
    const records = open()
    const id = await writeRelease(records, releaseOf([local('a')]), NOON)
    const { url } = records
    expect(await mistakeOf(() => readRelease(records, '20261125T120000Z-00000000'))).toBe(
      `there is no release "20261125T120000Z-00000000" in ${url}\nList them with: millrace releases`,
    )
    expect(await mistakeOf(() => readRelease(records, '../up'))).toContain('there is no release "../up"')
    await records.write(releasePath(id), recordText(releaseOf([local('a', { queue: 'slow' })])))
    expect(await mistakeOf(() => readRelease(records, id))).toContain(`${id}.json is not what its name says`)
  })

  it('of a newer version of Millrace are said to be so', async () => {
    const records = open()
    const text = recordText({ ...releaseOf([local('a')]), format: 2 as 1 })
    const id = `20261125T120000Z-${digest(text).slice(0, 8)}`
    await records.write(releasePath(id), text)
    expect(await mistakeOf(() => readRelease(records, id))).toContain('was written by a newer version of Millrace')
  })

  it('are listed in pages, newest first, a thousand of them', async () => {
    const records = open()
    const all = Array.from({ length: 1000 }, (_, index) => {
      const record = releaseOf([local('a', { params: { index } })])
      return { id: releaseId(record, new Date(NOON.getTime() + index * 1000)), record }
    })
    await records.writeAll(all.map(({ id, record }) => [releasePath(id), recordText(record)] as const))
    const seen: string[] = []
    for (let after: string | undefined; ; ) {
      const page = await listReleases(records, { limit: 300, ...(after && { after }) })
      expect(page.releases.length).toBeLessThanOrEqual(300)
      seen.push(...page.releases.map(({ id }) => id))
      after = page.next
      if (after === undefined) break
    }
    expect(seen).toEqual(all.map(({ id }) => id).reverse())
  })
})
