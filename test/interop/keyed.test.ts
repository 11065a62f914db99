import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { histories } from '../oracle/histories.ts'
import { landedFiles, tableOf } from '../oracle/landed.ts'
import type { Delivered } from '../oracle/model.ts'
import { Project } from './project.ts'
import { ALL_SPARKS, type Reader, reader, readerOr } from './readers.ts'

/*
 * The statements that people write by hand for Spark, on the same rows. They rest on each batch being newer than all
 * before, so the cases are such; what comes late has no equal there, and is compared with the model.
 */

const CASES = ALL_SPARKS ? 6 : 2
const COLUMNS = 'id, a, u, s0'

/** Shared cases, the same in every run: histories in the order of time, one row of a key at a time. */
const SHARED = fc.sample(histories({ sequences: 1, untracked: true }), { numRuns: CASES, seed: 20_240_101 }).map(inOrder)

function inOrder(batches: readonly (readonly Delivered[])[]): readonly (readonly Delivered[])[] {
  const rows = batches.flat().toSorted((a, b) => (a.sequence[0] ?? 0) - (b.sequence[0] ?? 0))
  const times = [...new Set(rows.map(({ sequence }) => sequence[0]))]
  return times.map((time, index) => {
    const newest = new Map(rows.filter(({ sequence }) => sequence[0] === time).map((row) => [row.key, row]))
    const file = { modified: 1_700_000_000 + index, path: `/landing/${index}.csv` }
    return [...newest.values()].map((row, place) => ({ ...row, file, row: place }))
  })
}

test.for(SHARED.map((batches, index) => ({ index, batches })))(
  "merge and Spark's MERGE make the same table: case $index",
  async ({ batches }, { skip }) => {
    const spark = await readerOr(skip, 'spark')
    await using project = await Project.create(
      { name: 't', config: { file_format: 'csv', ...tableOf('merge', 1, true) } },
      await reader('duckdb'),
    )
    const theirs = join(project.folder, 'theirs')
    await spark.run(`CREATE TABLE delta.\`${theirs}\` (id BIGINT, a STRING, u STRING, s0 BIGINT) USING delta`)
    for (const batch of batches) {
      await load(project, batch)
      await spark.run(`MERGE INTO delta.\`${theirs}\` t USING ${sourceOf(batch)} s ON t.id = s.id
      WHEN MATCHED AND s.deleted THEN DELETE
      WHEN MATCHED THEN UPDATE SET a = s.a, u = s.u, s0 = s.s0
      WHEN NOT MATCHED AND NOT s.deleted THEN INSERT (id, a, u, s0) VALUES (s.id, s.a, s.u, s.s0)`)
    }
    await same(project, spark, { theirs, columns: COLUMNS })
  },
)

test.for(SHARED.map((batches, index) => ({ index, batches })))(
  "scd2 and Spark's two MERGEs make the same history: case $index",
  async ({ batches }, { skip }) => {
    const spark = await readerOr(skip, 'spark')
    await using project = await Project.create(
      { name: 't', config: { file_format: 'csv', ...tableOf('scd2', 1, true) } },
      await reader('duckdb'),
    )
    const theirs = join(project.folder, 'theirs')
    const history = 'effective_date BIGINT, end_date BIGINT, is_current BOOLEAN'
    await spark.run(`CREATE TABLE delta.\`${theirs}\` (id BIGINT, a STRING, u STRING, s0 BIGINT, ${history}) USING delta`)
    for (const batch of batches) {
      await load(project, batch)
      const source = sourceOf(batch)
      // First the versions that end or are brought up to date, then those that begin.
      await spark.run(`MERGE INTO delta.\`${theirs}\` t USING ${source} s ON t.id = s.id AND t.is_current
        WHEN MATCHED AND (s.deleted OR NOT (t.a <=> s.a)) THEN UPDATE SET end_date = s.s0, is_current = false
        WHEN MATCHED THEN UPDATE SET u = s.u`)
      await spark.run(`MERGE INTO delta.\`${theirs}\` t USING ${source} s ON t.id = s.id AND t.is_current
        WHEN NOT MATCHED AND NOT s.deleted THEN INSERT (id, a, u, s0, effective_date, end_date, is_current)
        VALUES (s.id, s.a, s.u, s.s0, s.s0, NULL, true)`)
    }
    await same(project, spark, { theirs, columns: `${COLUMNS}, effective_date, end_date, is_current` })
  },
)

async function load(project: Project, batch: readonly Delivered[]): Promise<void> {
  await project.load(Object.fromEntries(landedFiles(batch, 1).map(({ name, content }) => [name, { text: content }])))
}

/** Row by row: ours as Spark reads it, theirs as we read it. */
async function same(
  project: Project,
  spark: Reader,
  { theirs, columns }: { readonly theirs: string; readonly columns: string },
): Promise<void> {
  const duckdb = await reader('duckdb')
  const chosen = (table: string) => duckdb.query(`SELECT ${columns} FROM delta_scan('${table}')`)
  const wanted = await chosen(theirs)
  expect(await project.rows(`SELECT ${columns} FROM lake.t`)).toEqual(wanted)
  expect(await chosen(project.table)).toEqual(wanted)
  const copy = join(project.folder, 'read-by-spark')
  await spark.run(`CREATE TABLE delta.\`${copy}\` USING delta AS SELECT ${columns} FROM delta.\`${project.table}\``)
  expect(await chosen(copy)).toEqual(wanted)
}

function sourceOf(batch: readonly Delivered[]): string {
  const text = (value: string | null) => (value === null ? 'CAST(NULL AS STRING)' : `'${value}'`)
  const rows = batch.map(
    ({ key, tracked, untracked, sequence, deleted }) =>
      `(CAST(${key} AS BIGINT), ${text(tracked)}, ${text(untracked)}, CAST(${sequence[0]} AS BIGINT), ${deleted})`,
  )
  return `(SELECT * FROM VALUES ${rows.join(', ')} AS v(id, a, u, s0, deleted))`
}
