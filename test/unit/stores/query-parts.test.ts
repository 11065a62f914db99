import { expect, test } from 'vitest'
import { sql } from '../../../src/engine/sql.ts'
import { Bench, batchIdOf, COLUMNS, load, staged, TRACKER } from './support.ts'

const SETTINGS = {
  delta: {
    ...{ targetFileSize: 1n << 27n, logRetentionMs: 30 * 86_400_000, fileRetentionMs: 7 * 86_400_000 },
    ...{ checkpointInterval: 1000, deletionVectors: true, changeDataFeed: true, optimize: 'off' as const },
  },
  tableProperties: { 'delta.columnMapping.mode': 'id' },
}

/** Temporary tables and variables of the session. */
async function parts({ session }: Bench): Promise<readonly string[]> {
  const rows = await session.rows(
    sql`select table_name as name from duckdb_tables() where temporary union all select name from duckdb_variables() order by name`,
  )
  return rows.map((row) => String(row['name']))
}

/** Takes the first row of the table out, or plans to. */
async function removeOne(bench: Bench, batch: bigint, commits: boolean): Promise<void> {
  const table = await bench.open(SETTINGS)
  const positions = sql`select __file, __position from (${await table.located()}) limit 1`
  const add = sql`select null::bigint, null::varchar where false`
  const request = await staged(table, { batch, add })
  const removal = await table.stageRemoval({
    positions,
    added: add,
    addedRows: 0n,
    changes: null,
    columns: COLUMNS,
    batchId: batchIdOf(batch),
  })
  if (commits) {
    await table.commit({ ...request, staged: [...request.staged, ...removal.staged], remove: 'positions', removal, blindAppend: false })
    expect(await bench.rowsOf(table)).toHaveLength(29 - Number(batch))
  }
  await table[Symbol.asyncDispose]()
}

test('a table that is closed leaves nothing in the session, whether its batch was committed or given up', async () => {
  await using bench = await Bench.make()
  const table = await bench.open(SETTINGS)
  await load(table, { batch: 1n, add: sql`select i, 'x' from range(28) as r(i)` })
  await table[Symbol.asyncDispose]()
  await removeOne(bench, 2n, true)
  await removeOne(bench, 3n, true)
  await removeOne(bench, 4n, false)
  await using version = await bench.openAt({ version: 1n })
  const [row] = await bench.session.rows(sql`select count(*) as rows from (${await version.current()})`)
  expect(row).toEqual({ rows: 27n })
  await version[Symbol.asyncDispose]()
  expect(await parts(bench)).toEqual([])
})

test('a session does not fill with the batches and rewrites of a table that stays open', async () => {
  await using bench = await Bench.make()
  const table = await bench.open(SETTINGS)
  const counts: number[] = []
  for (let batch = 1n; batch <= 9n; batch += 1n) {
    await table.refresh()
    await load(table, { batch, add: sql`select ${batch}, 'x'` })
    await bench.rowsOf(table)
    if (batch % 3n === 0n) {
      await table.optimize({ trackerId: TRACKER, targetFileSize: null, zOrder: [], dryRun: false, auto: false })
      counts.push((await parts(bench)).length)
    }
  }
  expect(new Set(counts).size).toBe(1)
})
