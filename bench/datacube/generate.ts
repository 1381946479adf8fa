import { DuckDBInstance } from '@duckdb/node-api'

const PLACES = 3450
const MONTHS = 24
const FEATURES = 2

/**
 * Writes an input of the shape of the measurement that the flow is compared with: places all over the world, two
 * features, two years. 100,000 rows give about 287,000 files, 1,000,000 rows about 532,000.
 */
export async function generateInput(file: string, rows: number): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  // One thread and a seed: the same file every time.
  await connection.run('SELECT setseed(0.5)')
  await connection.run(`CREATE TABLE place AS
    SELECT i AS place, -60 + 135 * random() AS lat, -180 + 360 * random() AS lng,
      'Country ' || (i % 40) AS country, 'State ' || (i % 400) AS admin1,
      'District ' || (i % 1200) AS admin2, 'Place ' || i AS admin3
    FROM range(${PLACES}) t(i)`)
  await connection.run(`COPY (
    SELECT epoch_ms(TIMESTAMP '2019-01-01' + month * INTERVAL 1 MONTH) + late AS timestamp,
      country, admin1, admin2, admin3, lat, lng, feature, value
    FROM (SELECT CAST(floor(random() * ${MONTHS}) AS INTEGER) AS month, CAST(random() * 2.4e9 AS BIGINT) AS late,
        'feature ' || CAST(floor(random() * ${FEATURES}) AS INTEGER) AS feature, round(random() * 1000, 3) AS value,
        CAST(floor(random() * ${PLACES}) AS BIGINT) AS place
      FROM range(${rows})) JOIN place USING (place)
  ) TO '${file}' (FORMAT parquet)`)
  connection.closeSync()
  instance.closeSync()
}
