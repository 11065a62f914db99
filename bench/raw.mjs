// The least work that any tool could do with DuckDB: one typed COPY of the same files to Parquet, with the codec and
// the audit columns of ingestd, at its fastest settings. node bench/raw.mjs csv|parquet PATTERN TARGET [THREADS]
import { rmSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'

const [format, pattern, target, threads] = process.argv.slice(2)
const columns = `{id: 'BIGINT', customer: 'VARCHAR', amount: 'DOUBLE', quantity: 'BIGINT', placed_at: 'TIMESTAMPTZ', note: 'VARCHAR'}`
const instance = await DuckDBInstance.create(':memory:', threads === undefined ? {} : { threads })
const connection = await instance.connect()
await connection.run("SET TimeZone = 'UTC'")
await connection.run('SET preserve_insertion_order = false')
rmSync(target, { recursive: true, force: true })
const source =
  format === 'csv'
    ? `read_csv('${pattern}', columns = ${columns}, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"', filename = true)`
    : `read_parquet('${pattern}', filename = true)`
await connection.run(`
  COPY (SELECT id, customer, amount, quantity, placed_at, note, now() AS _load_timestamp, filename AS _source_file, 'batch' AS _batch_id FROM ${source})
  TO '${target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, PARQUET_VERSION V1, PER_THREAD_OUTPUT true)`)
connection.closeSync()
instance.closeSync()
