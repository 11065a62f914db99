import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { literal, sql } from '../../../src/engine/sql.ts'
import type { OpenTable } from '../../../src/stores/store.ts'
import { logActions } from '../../support/project.ts'
import { commitFile } from '../delta/support.ts'
import { type Bench, batchIdOf, benchForEach, COLUMNS, load, manifestOf, staged, TRACKER } from './support.ts'

let bench: Bench
benchForEach((made) => {
  bench = made
})

const NO_ROWS = sql`select null::bigint, null::varchar where false`

const VECTORS = {
  delta: {
    ...{ targetFileSize: 1n << 27n, logRetentionMs: 30 * 86_400_000, fileRetentionMs: 7 * 86_400_000 },
    ...{ checkpointInterval: 10, deletionVectors: true, changeDataFeed: false, optimize: 'off' as const },
  },
}

async function removeFirst(table: OpenTable, batch: bigint): Promise<unknown> {
  const positions = sql`select __file, __position from (${await table.located()}) where id < 2`
  const request = await staged(table, { batch, add: NO_ROWS })
  const removal = await table.stageRemoval({
    ...{ positions, added: NO_ROWS, addedRows: 0n, changes: null, columns: COLUMNS, batchId: batchIdOf(batch) },
  })
  return table.commit({ ...request, staged: [...request.staged, ...removal.staged], remove: 'positions', removal, blindAppend: false })
}

test.each(['/', 'file:///'])('files of another table are never deleted, and do not stop the cleaning (%s)', async (prefix) => {
  const table = await bench.open({ outputFormat: 'parquet' })
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const other = join(bench.folder, 'other.parquet')
  await bench.session.run(sql`copy (select 5::bigint as id, 'o' as name) to ${literal(other)} (format parquet)`)
  const add = {
    path: `${prefix}${other.slice(1)}`,
    partitionValues: {},
    size: readFileSync(other).length,
    modificationTime: 1,
    dataChange: true,
  }
  writeFileSync(commitFile(bench.root, 1), `${JSON.stringify({ add })}\n`)
  const again = await bench.open({ outputFormat: 'parquet' })
  expect(await bench.rowsOf(again)).toEqual(['{"id":1,"name":"x"}', '{"id":5,"name":"o"}'])
  await load(again, { batch: 2n, add: sql`select 2, 'y'`, remove: 'everything' })
  await again.clean(2n)
  expect(await bench.rowsOf(again)).toEqual(['{"id":2,"name":"y"}'])
  expect(existsSync(other)).toBe(true)
})

/** Takes a field out of every `add` of the first version. */
function without(field: string): void {
  const text = readFileSync(commitFile(bench.root, 0), 'utf8')
  writeFileSync(commitFile(bench.root, 0), text.replace(new RegExp(`"${field}":\\d+,`), ''))
}

test('a file without a time gets a deletion vector like any other', async () => {
  await load(await bench.open(VECTORS), { batch: 1n, add: sql`select i, 'x' from range(10) as r(i)` })
  without('modificationTime')
  const table = await bench.open(VECTORS)
  await removeFirst(table, 2n)
  expect(await bench.rowsOf(await bench.open(VECTORS))).toHaveLength(8)
})

test('an action that cannot be said again is not said by halves', async () => {
  await load(await bench.open(VECTORS), { batch: 1n, add: sql`select i, 'x' from range(10) as r(i)` })
  const table = await bench.open(VECTORS)
  await load(table, { batch: 2n, add: sql`select 20, 'y'`, remove: 'everything' })
  without('size')
  const again = await bench.open(VECTORS)
  await using planned = await again.planRestore(
    { version: 0n },
    { trackerId: TRACKER, appId: manifestOf({ batch: 3n, add: NO_ROWS }).appId },
  )
  const manifest = {
    ...manifestOf({ batch: 3n, add: NO_ROWS }),
    format: 2 as const,
    restore: { version: 0n, batch: 1n, files: 'pending' as const },
  }
  const loader = { trackerId: TRACKER, appId: manifest.appId }
  await expect(again.restore(planned, manifest, loader)).rejects.toMatchObject({ code: 'ING-TABLE-LOG' })
  expect(existsSync(commitFile(bench.root, 2))).toBe(false)
})

test('a restore that another vacuum came before does not name files that are gone', async () => {
  const table = await bench.open()
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  await load(table, { batch: 2n, add: sql`select 2, 'y'`, remove: 'everything' })
  const manifest = {
    ...manifestOf({ batch: 3n, add: NO_ROWS }),
    format: 2 as const,
    restore: { version: 0n, batch: 1n, files: 'pending' as const },
  }
  const loader = { trackerId: TRACKER, appId: manifest.appId }
  await using planned = await table.planRestore({ version: 0n }, loader)
  const first = logActions(bench.root).find(({ action }) => action['add'] !== undefined)?.action['add']?.['path']
  rmSync(join(bench.root, String(first)))
  writeFileSync(commitFile(bench.root, 2), `${JSON.stringify({ commitInfo: { timestamp: 1, operation: 'VACUUM START' } })}\n`)
  await expect(table.restore(planned, manifest, loader)).rejects.toMatchObject({ code: 'ING-TABLE-RESTORE' })
  expect(existsSync(commitFile(bench.root, 3))).toBe(false)
})
