import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { list, query } from '../support/engine.ts'
import { activeFiles, finished, type LogAction, logActions, Project } from '../support/project.ts'

const FILES = 200
const ROWS = 5

/** 200 small files in batches of 40, with a checkpoint every second commit, so that every step comes several times. */
export function loadedProject(): Project {
  const made = new Project({
    retry_backoff: { base_seconds: 0.001, factor: 1, max_seconds: 0.001 },
    tables: [
      {
        table_name: 'orders',
        source_path_pattern: 'orders/*.csv',
        max_files_per_batch: 40,
        watch: { settle_seconds: 0 },
        delta: { checkpoint_interval: 2 },
      },
    ],
  })
  for (let file = 0; file < FILES; file += 1) {
    const rows = Array.from({ length: ROWS }, (_, row) => `${file * ROWS + row},file ${file},${row / 4}`)
    made.write(`landing/orders/part-${String(file).padStart(4, '0')}.csv`, `id,name,amount\n${rows.join('\n')}\n`)
  }
  return made
}

/** Runs with a failpoint, or is killed after some time; answers whether the process was killed. */
export async function crash(
  made: Project,
  how: { readonly failpoint: string } | { readonly afterMs: number },
  options: readonly string[] = [],
): Promise<boolean> {
  const child = made.start(['run', '--json', ...options], 'failpoint' in how ? { INGEST_FAILPOINT: how.failpoint } : {})
  const ended = finished(child)
  if ('afterMs' in how) {
    await sleep(how.afterMs)
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It had ended by itself.
    }
  }
  return (await ended).signal === 'SIGKILL'
}

/** Runs until nothing is left to do, as the next runs after a crash would; those that are killed themselves start anew (`random`). */
export async function finish(made: Project): Promise<void> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const { code, stdout, stderr } = await made.command(['run', '--json'])
    if (code === 0) return
    if (attempt === 4) throw new Error(`the run after the crash ended with ${code}: ${stdout} ${stderr}`)
  }
}

/** The state is that of a run without crashes: each row once, versions without a gap, each batch once, no file in between. */
export async function expectComplete(made: Project): Promise<void> {
  const table = made.path('tables/default/orders')
  const [rows] =
    await query(`select count(*) as rows, count(distinct id) as ids, min(id) as low, max(id) as high, count(distinct _source_file) as files
    from read_parquet(${list(activeFiles(table))}, hive_partitioning = false)`)
  expect(rows).toEqual({
    rows: String(FILES * ROWS),
    ids: String(FILES * ROWS),
    low: '0',
    high: String(FILES * ROWS - 1),
    files: String(FILES),
  })
  expectSoundLog(table)
  const tracked = await made.json<{ status: string; rows_loaded: number }[]>(['files', '--limit', '100000'])
  expect(tracked.map((file) => `${file.status} ${file.rows_loaded}`)).toEqual(Array.from({ length: FILES }, () => `completed ${ROWS}`))
}

/** Versions without a gap, and each batch once; the actions, and how many batches there are. */
export function expectSoundLog(table: string): { readonly actions: readonly LogAction[]; readonly batches: number } {
  const actions = logActions(table)
  const versions = [...new Set(actions.map(({ version }) => version))]
  expect(versions).toEqual(versions.map((_, index) => index))
  const transactions = actions.flatMap(({ action }) =>
    action['txn'] ? [`${String(action['txn']['appId'])} ${String(action['txn']['version'])}`] : [],
  )
  expect(new Set(transactions).size).toBe(transactions.length)
  return { actions, batches: transactions.length }
}

/** Keeps a copy of the tracker, as an operator's backup would; `restore` puts it back. */
export function backup(made: Project): () => void {
  const copy = made.path('backup')
  rmSync(copy, { recursive: true, force: true })
  cpSync(made.path('state'), copy, { recursive: true })
  return () => {
    rmSync(made.path('state'), { recursive: true, force: true })
    mkdirSync(made.path('state'), { recursive: true })
    if (existsSync(copy)) cpSync(copy, made.path('state'), { recursive: true })
  }
}
