import { tmpdir } from 'node:os'
import { fromBinary } from '@bufbuild/protobuf'
import { describe, expect, it } from 'vitest'
import { kindOf } from '../../flows/datacube/columns.ts'
import { csvLine } from '../../flows/datacube/csv.ts'
import { type Cell, withDatabase } from '../../flows/datacube/duckdb.ts'
import { levelsByName, levelsByPosition } from '../../flows/datacube/frame.ts'
import { numericPaths } from '../../flows/datacube/input-paths.ts'
import { outputPath } from '../../flows/datacube/output-path.ts'
import { params } from '../../flows/datacube/params.ts'
import { groupsOf, piecesOf, rawUnitsOf } from '../../flows/datacube/plan.ts'
import { limitQualifiers, usedQualifiers } from '../../flows/datacube/qualifiers.ts'
import { aggregateColumns, extrema, regionId, spatialAggregate } from '../../flows/datacube/sql/spatial.ts'
import { ancestors, subtileX, subtileY, tileBins, ZOOMS } from '../../flows/datacube/sql/subtiles.ts'
import { TileEncoder } from '../../flows/datacube/tiles/encode-tile.ts'
import { TileSchema } from '../../flows/datacube/tiles/tiles_pb.ts'

const query = (sql: string): Promise<Cell[][]> => withDatabase(tmpdir(), (db) => db.rows(sql))

describe('map cells', () => {
  const places = (...list: [lat: number, lng: number][]): string =>
    `(SELECT 0 AS feature, 0 AS timestamp, ${subtileX('lng')} AS x, ${subtileY('lat')} AS y,
      1.0 AS s_sum_t_sum, 2.0 AS s_sum_t_mean, 1 AS s_count
      FROM (VALUES ${list.map((place) => `(${place.join(', ')})`).join(', ')}) t(lat, lng))`
  const two = places([10.168, 40.646], [9.55, 31.65])

  it.each([
    [10.168, 40.646, 10041, 7726],
    [9.55, 31.65, 9632, 7755],
    [0, 0, 8192, 8192],
    [85.052, 10, 8647, 0],
    [0, -180.00001, 0, 8192],
    [0, 180, 16384, 8192],
  ])('latitude %d, longitude %d is in subtile %d, %d of zoom 14', async (lat, lng, x, y) => {
    expect(await query(`SELECT x, y FROM ${places([lat, lng])}`)).toEqual([[x, y]])
  })

  it('numbers the bins of a tile from its upper left corner', async () => {
    const rows = await query(tileBins(two, ZOOMS))
    const bins = (z: number): Cell[][] =>
      rows.filter((row) => row[2] === z).map((row) => [row[3] ?? 0, row[4] ?? 0, row[5] ?? 0])
    expect(bins(0)).toEqual([
      [0, 0, 1957],
      [0, 0, 1959],
    ])
    expect(bins(1)).toEqual([
      [1, 0, 3851],
      [1, 0, 3854],
    ])
    expect(bins(8)).toContainEqual([156, 120, 3001])
  })

  it('sums children into parents, down to the coarsest zoom', async () => {
    const rows = await query(`SELECT zoom, sum(s_sum_t_sum), sum(s_count) FROM (${ancestors(two, ZOOMS)})
      GROUP BY zoom ORDER BY zoom`)
    expect(rows).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14].map((zoom) => [zoom, 2, 2]))
  })

  it('puts a negative cell under a negative parent, not under 0', async () => {
    const north = `(SELECT 0 AS feature, 0 AS timestamp, 5 AS x, -1 AS y, 1.0 AS s_sum_t_sum, 1.0 AS s_sum_t_mean, 1 AS s_count)`
    expect(await query(`SELECT y FROM (${ancestors(north, [6])})`)).toEqual([[-1]])
    expect(await query(tileBins(north, ZOOMS))).toEqual([])
  })
})

describe('spatial aggregation', () => {
  const rows = '(VALUES (4.0, 2.0), (60.0, 30.0)) t(t_sum, t_mean)'

  it('gives sum, mean and count over places', async () => {
    const sql = spatialAggregate(rows, ['1 AS one'], aggregateColumns(false))
    expect(await query(sql)).toEqual([[1, 64, 32, 32, 16, 2]])
  })

  it('takes nothing but nulls for a sum of 0, no mean and a count of 0', async () => {
    const none = '(VALUES (0.0, CAST(NULL AS DOUBLE))) t(t_sum, t_mean)'
    expect(await query(spatialAggregate(none, ['1 AS one'], aggregateColumns(false)))).toEqual([[1, 0, 0, 0, null, 0]])
  })

  it('lists the 20 latest of the regions that tie for an extreme, among equal timestamps by id', async () => {
    const tied = `(SELECT 'rain' AS feature, 'Town ' || (i % 3) AS region_id, i // 3 AS timestamp, 7.0 AS s_sum_t_sum
      FROM range(30) t(i))`
    const rows = await query(extrema(tied, ['s_sum_t_sum']))
    const least = rows.filter(([, extreme]) => extreme === 'min').map((row) => [row[4], row[3]])
    expect(least).toHaveLength(20)
    expect(least.slice(0, 4)).toEqual([
      [9, 'Town 0'],
      [9, 'Town 1'],
      [9, 'Town 2'],
      [8, 'Town 0'],
    ])
    expect(least.at(-1)).toEqual([3, 'Town 1'])
  })

  it('weights by the weight column, and gives nothing where all weights are 0', async () => {
    const weighted = (weight: number): string =>
      `(VALUES (4.0, 2.0, 1.0, ${weight}), (8.0, 4.0, 3.0, ${3 * weight})) t(t_sum, t_mean, t_wavg, weight)`
    const columns = ['s_sum_t_wavg', 's_wavg_t_sum', 's_wavg_t_wavg']
    expect(await query(spatialAggregate(weighted(1), ['1 AS one'], columns))).toEqual([[1, 4, 7, 2.5]])
    expect(await query(spatialAggregate(weighted(0), ['1 AS one'], columns))).toEqual([[1, 4, null, null]])
  })
})

describe('qualifier thresholds', () => {
  const map = { f1: ['q1', 'q2', 'q3'], f2: ['q1'], f3: ['q1'], f_invalid: ['q1'] }
  const counts = { f1: { q1: 10, q2: 8, q3: 10 }, f2: { q1: 15 }, f3: { q1: 5 } }

  it('leave out qualifiers with too many values, and features that are not there', () => {
    const limited = limitQualifiers(map, counts, 9)
    expect(limited).toEqual({ f1: ['q2'], f2: [], f3: ['q1'] })
    expect(usedQualifiers(limited, ['q1', 'q2', 'q3'])).toEqual(['q1', 'q2'])
  })

  it('let pass what has exactly as many values', () => {
    expect(limitQualifiers({ f3: ['q1'] }, counts, 5)).toEqual({ f3: ['q1'] })
    expect(limitQualifiers({ f3: ['q1'] }, counts, 4)).toEqual({ f3: [] })
  })

  it('get defaults one by one', () => {
    const parsed = params.parse({ model_id: 'm', run_id: 'r', data_paths: [], qualifier_thresholds: { max_count: 3 } })
    expect(parsed.qualifier_thresholds).toEqual({
      max_count: 3,
      regional_timeseries_count: 100,
      regional_timeseries_max_level: 1,
    })
  })

  it('are not fooled by features with the names of built-in properties', () => {
    expect(limitQualifiers({ constructor: ['q1'] }, counts, 9)).toEqual({})
  })
})

describe('region levels', () => {
  it('are counted by position in statistics, and named in time series, where a level is missing', async () => {
    const regions = ['admin1', 'admin3'] as const
    const ids = (levels: ReturnType<typeof levelsByName>): Promise<[string, Cell | undefined][]> =>
      Promise.all(
        levels.map(async (level): Promise<[string, Cell | undefined]> => {
          const [[id] = []] = await query(`SELECT ${regionId(level)} FROM (SELECT 'North' AS admin1, 'Town' AS admin3)`)
          return [level.name, id]
        }),
      )
    expect(await ids(levelsByPosition(regions))).toEqual([
      ['country', 'None'],
      ['admin1', 'None__North'],
    ])
    expect(await ids(levelsByName(regions))).toEqual([
      ['admin1', 'None__North'],
      ['admin3', 'None__North__None__Town'],
    ])
  })
})

describe('output paths', () => {
  it('make folders of "/" in values, and drop empty parts', () => {
    expect(outputPath(['month', 'rain', 'Town/y'], '.csv')).toBe('month/rain/Town/y.csv')
    expect(outputPath(['qualifiers', '', 'North'], '.csv')).toBe('qualifiers/North.csv')
  })

  it.each([
    [['..', 'rain'], '%2E%2E/rain'],
    [['a/../../b'], 'a/%2E%2E/%2E%2E/b'],
    [['.'], '%2E'],
    [['a\\b\0c'], 'a%5Cb%00c'],
    [['.millrace-datacube'], '%2Emillrace-datacube'],
    [['..rain', '...'], '..rain/...'],
  ])('keep %j inside the output', (values, path) => {
    expect(outputPath(values)).toBe(path)
  })

  it('shorten names that no disk would take, and keep them apart', () => {
    const names = ['x', 'y'].map((end) => outputPath([`${'é'.repeat(200)}${end}`], '.csv'))
    for (const name of names) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255)
    expect(names[0]).toMatch(/^é{116,}~[0-9a-f]{16}\.csv$/)
    expect(names[0]).not.toBe(names[1])
    expect(outputPath(['a'.repeat(251)], '.csv')).toBe(`${'a'.repeat(251)}.csv`)
  })
})

describe('input paths', () => {
  it('leave out companions that hold text, also behind signed URLs', () => {
    const numbers = ['a.parquet.gzip', 'a_strong.parquet.gzip', 'https://x.org/a.1.parquet.gzip?sig=_str']
    const texts = ['a_str.parquet.gzip', 'a_str.12.parquet.gzip', 'https://x.org/a_str.3.parquet.gzip?sig=1']
    expect(numericPaths([...numbers, ...texts])).toEqual(numbers)
  })
})

describe('the plan', () => {
  const file = (rows: number): Parameters<typeof piecesOf>[0][number] => ({
    name: 'a',
    path: '/a',
    inScratch: false,
    rows,
    columns: [],
  })

  it('cuts files into pieces that cover every row once', () => {
    const pieces = piecesOf([file(1_200_000), file(0), file(10)])
    expect(pieces.map(({ file, from, to }) => [file, from, to])).toEqual([
      [0, 0, 400_000],
      [0, 400_000, 800_000],
      [0, 800_000, 1_200_000],
      [2, 0, 10],
    ])
    expect(piecesOf([file(3_000_000_000)])).toHaveLength(64)
  })

  it('puts small features together and leaves large ones alone', () => {
    const rows = new Map([
      ['a', 20_000],
      ['b', 5000],
      ['c', 1],
      ['d', 1_000_000],
      ['e', 1],
    ])
    expect(groupsOf(rows).map(({ features }) => features)).toEqual([['a', 'b'], ['c'], ['d'], ['e']])
  })

  it('writes raw rows of features up to the threshold, and of those at it', () => {
    const rows = new Map([
      ['a', 10],
      ['b', 11],
      ['c', 3],
    ])
    expect(rawUnitsOf(rows, 10)).toEqual([{ features: ['a', 'c'], rows: 13 }])
  })
})

describe('a tile', () => {
  it('is read back by the generated schema as it was written', () => {
    const encoder = new TileEncoder()
    encoder.start(8, 255, 0)
    encoder.bin(0, 1.5, 0.75, 2)
    encoder.bin(4095, -1e300, 0, 100_000)
    const tile = fromBinary(TileSchema, encoder.finish())
    expect(tile.coord).toMatchObject({ z: 8, x: 255, y: 0 })
    expect(tile.bins?.totalBins).toBe(4096)
    expect(tile.bins?.stats[0]).toMatchObject({ sSumTSum: 1.5, sSumTMean: 0.75, weight: 2 })
    expect(tile.bins?.stats[4095]).toMatchObject({ sSumTSum: -1e300, sSumTMean: 0, weight: 100_000 })
    expect(Object.keys(tile.bins?.stats ?? {})).toHaveLength(2)
  })

  it('does not carry over what the one before it held', () => {
    const encoder = new TileEncoder()
    encoder.start(0, 0, 0)
    encoder.bin(1, 1, 1, 1)
    encoder.finish()
    encoder.start(1, 1, 1)
    encoder.bin(2, 2, 2, 2)
    expect(Object.keys(fromBinary(TileSchema, encoder.finish()).bins?.stats ?? {})).toEqual(['2'])
  })
})

describe('CSV', () => {
  it('quotes what would be misread, and writes nothing for nothing', () => {
    expect(csvLine(['a,b', 'say "hi"', 'two\nlines', null, 1.5, Number.POSITIVE_INFINITY])).toBe(
      '"a,b","say ""hi""","two\nlines",,1.5,inf\n',
    )
  })
})

describe('column types', () => {
  it.each([
    ['BIGINT', 'integer'],
    ['UTINYINT', 'integer'],
    ['DECIMAL(18,3)', 'float'],
    ["ENUM('a', 'b')", 'text'],
    ['TIMESTAMP WITH TIME ZONE', 'time'],
    ['STRUCT(a INTEGER)', 'other'],
  ])('%s is %s', (type, kind) => {
    expect(kindOf(type)).toBe(kind)
  })
})
