import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { DuckDBInstance } from '@duckdb/node-api'

const RECORDER = join(import.meta.dirname, 'code-recorder.cjs')
const KEYED = { loading_strategy: 'merge', primary_keys: ['id'], sequence_by: 'at', delta: { deletion_vectors: true } }
const TABLES = {
  changed: { table_name: 'changed', source_path_pattern: 'changed/*.parquet', ...KEYED },
  added: { table_name: 'added', source_path_pattern: 'added/*.csv' },
}

/**
 * Writes the compiled code of what a usual run calls beside the scripts of the bundle (`src/script.ts`): an upsert by
 * Parquet and an append by CSV are run, by both of their processes.
 */
export async function recordCode(dist) {
  const folder = mkdtempSync(join(tmpdir(), 'ingestd-code-'))
  try {
    await landed(folder, 'first', 0)
    run(dist, project(folder, [TABLES.changed]), {})
    await landed(folder, 'second', 500)
    const codes = join(folder, 'codes')
    mkdirSync(codes)
    run(dist, project(folder, [TABLES.changed, TABLES.added]), {
      NODE_OPTIONS: `--require ${JSON.stringify(RECORDER)}`,
      CODE_FOLDER: codes,
    })
    for (const name of ['main.code', 'worker.code']) {
      await present(join(codes, name))
      cpSync(join(codes, name), join(dist, 'chunks', name))
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A load process ends after the command that had it. */
async function present(file) {
  for (let waited = 0; waited < 120_000 && !existsSync(file); waited += 50) await setTimeout(50)
}

async function landed(folder, name, from) {
  for (const kind of Object.keys(TABLES)) mkdirSync(join(folder, 'landing', kind), { recursive: true })
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const rows = `select range as id, 'row ' || range as note, range / 4 as amount, timestamp '2026-01-01' + to_seconds(range + ${from}) as at
    from range(${from}, ${from + 1000})`
  await connection.run(`copy (${rows}) to '${join(folder, 'landing/changed', `${name}.parquet`)}' (format parquet)`)
  await connection.run(`copy (${rows}) to '${join(folder, 'landing/added', `${name}.csv`)}' (format csv)`)
  connection.closeSync()
  instance.closeSync()
}

function project(folder, tables) {
  const config = {
    raw_data_path: './landing',
    processed_data_path: './tables',
    checkpoint_path: './state',
    max_parallel_jobs: 1,
    tables: tables.map((table) => ({ ...table, watch: { settle_seconds: 0 } })),
  }
  writeFileSync(join(folder, 'ingest.yaml'), JSON.stringify(config))
  return join(folder, 'ingest.yaml')
}

function run(dist, config, environment) {
  const args = [join(dist, 'main.js'), 'run', '-c', config, '--json']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, ...environment } })
  if (status !== 0) throw new Error(`the run whose code is recorded ended with ${status}: ${stdout}${stderr}`)
}
