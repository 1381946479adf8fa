import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import datacube from '../../flows/datacube/flow.ts'
import { colourOf } from '../../flows/datacube/report/map.ts'
import { scaleOf, ticks } from '../../flows/datacube/report/scale.ts'
import { commonRegion, number, numbersLike, regionName, size } from '../../flows/datacube/report/text.ts'
import { readTileLayer } from '../../flows/datacube/report/tile-layer.ts'
import { type ReportText, writeReport } from '../../flows/datacube/report.ts'
import { someRows, testFolder } from './datacube-folder.ts'

/** Runs the flow on some rows and makes a report of its output. */
async function report(
  columns: Record<string, string>,
  text?: ReportText,
): Promise<{ html: string; bytes: number; out: string }> {
  const folder = testFolder()
  const sql = someRows(120, { value: 'CAST(i % 50 AS DOUBLE) - 10', ...columns })
  const data_paths = [await folder.parquet('data.parquet', sql)]
  const qualifier_map = { rain: ['weekday'] }
  const summary = await datacube({ model_id: 'm', run_id: 'r', data_paths, qualifier_map, ...folder.buckets })
  const file = join(folder.path, 'report.html')
  const out = join(folder.out, 'm/r')
  const bytes = await writeReport({ folder: out, file, summary, ...(text && { text }) })
  return { html: readFileSync(file, 'utf8'), bytes, out }
}

const AMERICA = {
  country: "'USA'",
  admin1: "['Ohio', '<Iowa> & co'][1 + i % 2]",
  lat: '35.0 + i % 9',
  lng: '-110.0 + i % 30',
}

describe('the report', () => {
  it('shows headline numbers, a series, a map, extremes, under the given names', async () => {
    const text = { title: 'Rain & more', features: { rain: { title: 'Rainfall', unit: 'mm' } } }
    const { html, bytes } = await report(AMERICA, text)
    expect(bytes).toBeLessThan(600_000)
    expect(html).toContain('<h1>Rain &amp; more</h1>')
    expect(html).toContain('<dt>Rows read</dt><dd>120</dd>')
    expect(html).toContain('<dt>Time taken</dt>')
    expect(html).toMatch(/aria-label="Rainfall by month\. January 2020: [\d.−]+ mm;/)
    expect(html).toMatch(/aria-label="Map: Rainfall, \d+ cells"/)
    expect(html).toContain('USA › &lt;Iowa&gt; &amp; co, ')
  })

  it('needs nothing from elsewhere', async () => {
    const { html } = await report(AMERICA)
    expect(html).not.toMatch(/(src|href)="(?!#)/)
    expect(html).not.toMatch(/https?:|url\(|@import|<script/)
  })

  it('maps the world where the data is not of one country it knows better', async () => {
    const { html } = await report({ lat: '40.0 + i % 9', lng: '5.0 + i % 11' })
    expect(html).toMatch(/id="land" d="M[^"]{1000,}"/)
    expect(html).not.toContain('outside this map')
  })

  it('has days of the week in the order of the week', async () => {
    const { html } = await report({ weekday: "['Sunday', 'Monday', 'Tuesday'][1 + i % 3]" })
    const names = [...html.matchAll(/<th scope="row">(\w+day)<\/th>/g)].map(([, name]) => name)
    expect(names).toEqual(['Monday', 'Tuesday', 'Sunday'])
  })

  it('does without coordinates and regions', async () => {
    const { html } = await report({ lat: '', lng: '', country: '', admin1: '', admin2: '', admin3: '' })
    expect(html).toContain('rain by month')
    expect(html).not.toContain('on the map')
    expect(html).not.toContain('Extremes')
  })

  it('names the folder when there is no output in it', async () => {
    const { path } = testFolder()
    await expect(writeReport({ folder: path, file: join(path, 'a.html') })).rejects.toThrow(
      `report: ${path}: there is no results/results.json`,
    )
  })

  it('decodes the tiles of a zoom at which the data is about as wide as asked', async () => {
    const { out } = await report({ lat: '10.0', lng: '20.0 + 0.5 * (i % 20)' })
    const layer = readTileLayer(join(out, 'year/rain/tiles'), 20)
    expect(layer?.zoom).toBe(9)
    expect(layer?.cells.reduce((sum, cell) => sum + cell.count, 0)).toBeGreaterThanOrEqual(20)
  })
})

describe('its parts', () => {
  it('puts about as many values in each class, and 0 in the middle of a diverging scale', () => {
    const scale = scaleOf(Array.from({ length: 700 }, (_, index) => index))
    expect(scale.diverging).toBe(false)
    expect([0, 99, 150, 699].map(scale.classOf)).toEqual([0, 0, 1, 6])
    const diverging = scaleOf([-5, -1, 2, 90, 100])
    expect(diverging.diverging).toBe(true)
    expect(colourOf(diverging, diverging.classOf(0))).toBe(3)
    expect(scaleOf([4, 4, 4]).limits.length).toBeLessThanOrEqual(1)
  })

  it('covers a range with round numbers', () => {
    expect(ticks(0, 8.4, 4)).toEqual([0, 2.5, 5, 7.5, 10])
    expect(ticks(0, 0, 4)).toEqual([0, 0.25])
  })

  it('writes numbers for people', () => {
    expect([0, 0.12345, 1.234, 12.345, 1234.5, -3].map(number)).toEqual(['0', '0.123', '1.23', '12.3', '1,235', '−3'])
    expect([1, 12.25, -0.01].map(numbersLike([1, 12.25]))).toEqual(['1.0', '12.3', '0.0'])
    expect([999, 7_790_000].map(size)).toEqual(['999 B', '7.79 MB'])
  })

  it('leaves out what all regions have in common', () => {
    expect(commonRegion(['USA__Ohio__A', 'USA__Ohio__B'])).toBe('USA__Ohio__')
    expect(commonRegion(['USA__Ohio', 'Canada__Ohio'])).toBe('')
    expect(regionName('USA__Ohio', 'USA__')).toBe('Ohio')
  })
})
