import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { jsonText } from '../../../src/delta/json.ts'
import { sql } from '../../../src/engine/sql.ts'
import { type Bench, batchIdOf, benchForEach, load, staged } from './support.ts'

let bench: Bench
benchForEach((made) => {
  bench = made
})

const PARQUET = { outputFormat: 'parquet' } as const

/** All files that a reader of Parquet would find, wherever they lie. */
function parquetFiles(): readonly string[] {
  return readdirSync(bench.root, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.parquet'))
    .toSorted()
}

async function folderRows(): Promise<readonly unknown[]> {
  return await bench.session.rows(sql`select id from read_parquet(${`${bench.root}/**/*.parquet`}) order by id`)
}

test('the folder holds the rows of the newest commit and nothing else that ends in .parquet', async () => {
  const table = await bench.open(PARQUET)
  for (let batch = 1n; batch <= 12n; batch += 1n) await load(table, { batch, add: sql`select ${batch}::bigint, 'x'` })
  expect(parquetFiles()).toHaveLength(12)
  await load(table, { batch: 13n, add: sql`select 99, 'y'`, remove: 'everything' })
  expect(parquetFiles()).toHaveLength(1)
  expect(await folderRows()).toEqual([{ id: 99n }])
  expect(await bench.rowsOf(await bench.open(PARQUET))).toEqual(['{"id":99,"name":"y"}'])
  expect(readdirSync(join(bench.root, '_ingestd/moves'))).toEqual([])
})

test('an overwrite without rows leaves an empty folder', async () => {
  const table = await bench.open(PARQUET)
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  await load(table, { batch: 2n, add: sql`select 1, 'x' where false`, remove: 'everything' })
  expect(parquetFiles()).toEqual([])
  expect(await bench.rowsOf(table)).toEqual([])
})

test('files that a killed commit had moved are removed by the next commit', async () => {
  const table = await bench.open(PARQUET)
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const orphan = await killedAfterMoving(2n)
  expect(await folderRows()).toEqual([{ id: 1n }, { id: 2n }])
  await load(await bench.open(PARQUET), { batch: 3n, add: sql`select 2, 'again'` })
  expect(existsSync(join(bench.root, orphan))).toBe(false)
  expect(await folderRows()).toEqual([{ id: 1n }, { id: 2n }])
})

test('clean removes what a batch left that can no longer be committed, and spares the files of later ones', async () => {
  const table = await bench.open(PARQUET)
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const orphan = await killedAfterMoving(2n)
  await table.clean(1n)
  expect(existsSync(join(bench.root, orphan))).toBe(true)
  await table.clean(2n)
  expect(existsSync(join(bench.root, orphan))).toBe(false)
  await load(table, { batch: 3n, add: sql`select 3, 'x'` })
  expect(await folderRows()).toEqual([{ id: 1n }, { id: 3n }])
})

test('clean finishes a commit that was killed before its superseded files were deleted', async () => {
  const table = await bench.open(PARQUET)
  await load(table, { batch: 1n, add: sql`select 1, 'x'` })
  const [old] = parquetFiles()
  const kept = join(bench.folder, 'kept')
  renameSync(join(bench.root, old ?? ''), kept)
  await load(table, { batch: 2n, add: sql`select 2, 'y'`, remove: 'everything' })
  const [current] = parquetFiles()
  renameSync(kept, join(bench.root, old ?? ''))
  note(2n, { added: [current ?? ''], removed: [old ?? ''] })
  await table.clean(2n)
  expect(await folderRows()).toEqual([{ id: 2n }])
})

test('a first commit that was killed after its files had moved does not make the folder foreign', async () => {
  const orphan = await killedAfterMoving(1n)
  const table = await bench.open()
  expect(await load(table, { batch: 2n, add: sql`select 2, 'x'` })).toEqual({ kind: 'committed', version: 0n })
  expect(existsSync(join(bench.root, orphan))).toBe(false)
})

/** Moves a staged file to its place and notes it, as a commit does before the log entry; the name of the file. */
async function killedAfterMoving(batch: bigint): Promise<string> {
  const table = await bench.open(PARQUET)
  const request = await staged(table, { batch, add: sql`select 2, 'killed'` })
  const file = request.staged[0]?.files[0]?.path ?? ''
  renameSync(request.staged[0]?.localPaths[0] ?? '', join(bench.root, file))
  note(batch, { added: [file], removed: [] })
  return file
}

function note(batch: bigint, moves: { readonly added: readonly string[]; readonly removed: readonly string[] }): void {
  const folder = join(bench.root, '_ingestd/moves')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${String(batch).padStart(20, '0')}.json`), jsonText({ batch, batchId: batchIdOf(batch), ...moves }))
}
