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

/** One CSV file of `rows` rows, of which one in `badOne` cannot be loaded: half of them lack fields, half have a text for a number. */
export async function badRows(path, rows, badOne) {
  mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true })
  const bad = (rest) => (badOne === null ? 'false' : `i % ${2 * badOne} = ${rest}`)
  const line = `CASE WHEN ${bad(17)} THEN concat_ws(',', id, customer) ELSE concat_ws(',', id, customer, amount,
    CASE WHEN ${bad(badOne + 17)} THEN 'many' ELSE quantity::VARCHAR END, strftime(placed_at, '%Y-%m-%dT%H:%M:%SZ'), note) END`
  const lines = `SELECT -1 AS i, 'id,customer,amount,quantity,placed_at,note' AS line UNION ALL SELECT i, ${line} FROM (SELECT i, ${ROW} FROM range(${rows}) AS t(i))`
  await engine((connection) =>
    connection.run(`COPY (SELECT line FROM (${lines}) ORDER BY i) TO '${path}' (FORMAT csv, HEADER false, QUOTE '', DELIMITER e'\x01')`),
  )
}

/** Rows with a key and the time of their version, in the order of their time: a day is 86,400 of them. */
const VERSIONED = `
  i AS id, 'customer ' || (hash(i) % 100000) AS customer, ((hash(i * 7) % 1000000) / 100.0)::DECIMAL(12, 2) AS amount,
  (hash(i * 13) % 50)::BIGINT AS quantity, 'status ' || (hash(i * 17) % 7) AS status, 'note ' || hash(i * 31)::VARCHAR AS note`

export async function versionedRows(path, rows) {
  await engine((connection) =>
    connection.run(`COPY (SELECT ${VERSIONED}, TIMESTAMPTZ '2024-01-01 00:00:00Z' + INTERVAL 1 SECOND * i AS updated_at
      FROM range(${rows}) AS t(i)) TO '${path}' (FORMAT parquet, COMPRESSION snappy)`),
  )
}

/** New versions of keys and some new keys: `random` ones of the whole table, or those of one `day` near its end. */
export async function changedRows(path, { rows, changes, keys }) {
  const key = keys === 'random' ? `(hash(n) % ${Math.floor(rows * 1.1)})::BIGINT` : `(${rows - 86_400 * 3} + n)::BIGINT`
  await engine((connection) =>
    connection.run(`COPY (SELECT ${VERSIONED.replace("'status '", "'changed '")}, TIMESTAMPTZ '2026-01-01 00:00:00Z' AS updated_at
      FROM (SELECT DISTINCT ${key} AS i FROM range(${changes}) AS t(n))) TO '${path}' (FORMAT parquet, COMPRESSION snappy)`),
  )
}
