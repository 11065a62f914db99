// Landing files for the benchmarks, made by DuckDB: the same on every machine.
import { mkdirSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'

const ROW = `
  i AS id, 'customer ' || (hash(i) % 100000) AS customer, round((hash(i * 7) % 1000000) / 100.0, 2)::DOUBLE AS amount,
  (hash(i * 13) % 50)::BIGINT AS quantity, (TIMESTAMP '2024-01-01' + INTERVAL 1 SECOND * (hash(i * 3) % 31536000)::BIGINT) AT TIME ZONE 'UTC' AS placed_at,
  'note ' || hash(i * 31)::VARCHAR AS note`

async function engine(work) {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run("SET TimeZone = 'UTC'")
  try {
    await work(connection)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** `files` CSV files of `rows` rows each. */
export async function manyCsv(folder, files, rows) {
  mkdirSync(folder, { recursive: true })
  await engine(async (connection) => {
    for (let file = 0; file < files; file += 1) {
      const name = `${folder}/part-${String(file).padStart(6, '0')}.csv`
      await connection.run(`COPY (SELECT ${ROW} FROM range(${file * rows}, ${(file + 1) * rows}) AS t(i)) TO '${name}' (HEADER)`)
    }
  })
}

/** One file of `rows` rows. */
export async function oneFile(path, format, rows) {
  mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true })
  const options = format === 'csv' ? 'HEADER' : 'FORMAT parquet, COMPRESSION snappy'
  await engine((connection) => connection.run(`COPY (SELECT ${ROW} FROM range(${rows}) AS t(i)) TO '${path}' (${options})`))
}
